import { setTimeout as sleep } from 'node:timers/promises';
import { startFakeOpenAiCompatible } from '../../support/fakes/openai-compatible.js';
import type { SalesforceFaultKind } from '../../support/fakes/salesforce/faults.js';
import { World } from '../world.js';
import { until, withOrg } from './salesforce.js';
import type { Scenario, Scenarios } from './scenario.js';

/** About fifty leads a second of all senders together. */
const FIFTY_A_SECOND_MS = 760;
const FULL_MS = 600_000;
const CI_MS = 20_000;
const DEPENDENCY_FAULTS: SalesforceFaultKind[] = ['500', '503', 'drop', 'drop-after', 'html', 'hang'];
const CLOSED_WITHIN_MS = 60_000;
const OPEN = "SELECT count(*)::int AS n FROM ledger.leads WHERE state IN ('received', 'enriched')";
const SYNCED = "SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'synced'";

const crmPartial = (percent: number, ci = 0): Scenario =>
  withOrg({
    about: `${percent} % of the calls to Salesforce fail for ten minutes (CI: 20 s) at 50 leads/s: no dead letter, no attempt lost`,
    trials: { full: 3, ci },
    pauseAtMostMs: FIFTY_A_SECOND_MS,
    async fault({ world, load, number, full }) {
      const org = world.org!;
      org.setFaults({ rate: percent / 100, kinds: DEPENDENCY_FAULTS, seed: 100 * percent + number });
      const before = org.apiCalls();
      await sleep(full ? FULL_MS : CI_MS);
      await load.pause();
      const during = { calls: org.apiCalls() - before, synced: await world.count(SYNCED), open: await world.count(OPEN) };
      org.setFaults({});
      const drainFrom = Date.now();
      const callsBefore = org.apiCalls();
      await recovered(world, 'crm_sync_attempts');
      const { synced, open, calls } = during;
      process.stderr.write(
        `\nduring the fault: ${synced} leads synced, ${open} left open, ${calls} API calls; ` +
          `afterwards: breaker closed after ${Date.now() - drainFrom} ms, ${org.apiCalls() - callsBefore} API calls\n`,
      );
      if (synced < open)
        throw new Error(`Of ${synced + open} leads only ${synced} were synced while a part of the calls failed.`);
    },
  });

/** What the outage must not have left behind: dead letters, attempts, an open breaker. */
async function recovered(world: World, attempts: 'crm_sync_attempts' | 'enrichment_attempts'): Promise<void> {
  const began = Date.now();
  await until(world, OPEN);
  process.stderr.write(`\ndrained in ${Date.now() - began} ms\n`);
  const dead = await world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'dead'");
  const lost = await world.count(`SELECT count(*)::int AS n FROM ledger.leads WHERE ${attempts} > 0`);
  if (dead > 0) throw new Error(`${dead} leads became dead letters in the partial outage.`);
  if (lost > 0) throw new Error(`The partial outage used up attempts of ${lost} leads.`);
  const deadline = Date.now() + CLOSED_WITHIN_MS;
  while ((await world.count("SELECT count(*)::int AS n FROM flow.stages WHERE breaker <> 'closed'")) > 0) {
    if (Date.now() > deadline) throw new Error('The breaker did not close after the partial outage.');
    await sleep(500);
  }
}

type Model = Awaited<ReturnType<typeof startFakeOpenAiCompatible>>;
const MODELS = new WeakMap<World, Model>();

/** Some calls of a downstream fail, or all of them again and again. */
export const PARTIAL_OUTAGES: Scenarios = {
  'crm-partial-5': crmPartial(5),
  'crm-partial-20': crmPartial(20, 1),
  'crm-partial-50': crmPartial(50),
  'ai-partial': {
    about: '20 % of the calls to the model fail for ten minutes (CI: 20 s) at 50 leads/s: no dead letter, no attempt lost',
    trials: { full: 3, ci: 0 },
    pauseAtMostMs: FIFTY_A_SECOND_MS,
    async open() {
      const model = await startFakeOpenAiCompatible();
      model.latencyMs = 100;
      const world = await World.start({
        AI_PROVIDER: 'openai-compatible',
        OPENAI_COMPATIBLE_BASE_URL: `${model.url}/v1`,
        OPENAI_COMPATIBLE_MODEL: 'any',
        AI_RATE_LIMIT_PER_SECOND: '100',
        AI_CONCURRENCY: '50',
        AI_TIMEOUT_MS: '2000',
      });
      MODELS.set(world, model);
      return world;
    },
    async close(world) {
      await MODELS.get(world)!.stop();
    },
    async fault({ world, load, full }) {
      const model = MODELS.get(world)!;
      model.sometimes(0.2, [
        { kind: 'server-error', status: 500 },
        { kind: 'server-error', status: 503 },
        { kind: 'drop' },
        { kind: 'html' },
      ]);
      await sleep(full ? FULL_MS : CI_MS);
      await load.pause();
      model.sometimes(0, []);
      await recovered(world, 'enrichment_attempts');
    },
  },
  'outage-series': withOrg({
    about: 'Salesforce is down for 6 to 20 s, again and again: each time it is tried within 10 s of its return',
    trials: { full: 10, ci: 0 },
    alone: true,
    pauseAtMostMs: FIFTY_A_SECOND_MS,
    async fault({ world, random, full, note }) {
      const waits: number[] = [];
      for (let outage = 0; outage < (full ? 10 : 3); outage++) {
        world.org!.setFaults({ down: random.chance(0.5) ? '503' : 'refuse' });
        await sleep(random.between(6000, 20_000));
        const calls = world.org!.apiCalls();
        world.org!.setFaults({});
        const back = Date.now();
        while (world.org!.apiCalls() === calls && Date.now() - back < PROBE_WITHIN_MS) await sleep(50);
        waits.push(Date.now() - back);
        await sleep(random.between(500, 4000));
      }
      note(`first call after the return, ms: ${waits.join(', ')}`);
      const late = waits.filter((wait) => wait >= PROBE_WITHIN_MS).length;
      if (late > 0)
        throw new Error(`After ${late} of ${waits.length} outages Salesforce was not tried for ${PROBE_WITHIN_MS} ms.`);
    },
  }),
};

/** Ten seconds, and what the probe itself may take. */
const PROBE_WITHIN_MS = 12_000;
