import { setTimeout as sleep } from 'node:timers/promises';
import { askOps } from '../../support/operator.js';
import { PACE_MS } from './processes.js';
import type { Scenario, Scenarios } from './scenario.js';

/** Milliseconds per simulated minute of outage: 1, 10 and 120 minutes take 0.25, 2.5 and 30 seconds. */
const MINUTE_MS = 250;

/** The same factor for the waits between probes: 1000 ms of RETRY_BASE_MS become 4. */
const crmDown = (minutes: number, trials: Scenario['trials']): Scenario => ({
  about: `the CRM is down for ${minutes} min, times scaled by ${60_000 / MINUTE_MS}: no dead letter, no attempt used`,
  trials,
  pauseAtMostMs: PACE_MS,
  settings: { RETRY_BASE_MS: '4' },
  async fault({ world, load }) {
    const start = await world.stopCrm();
    await sleep(minutes * MINUTE_MS);
    await load.pause();
    // In a shorter outage the breaker may not get enough failures to open.
    const tried =
      minutes < 10
        ? 0
        : await settled(() =>
            world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'enriched' AND crm_sync_attempts > 0"),
          );
    const dead = await world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'dead'");
    await start();
    if (dead > 0) throw new Error(`${dead} leads became dead letters in the outage.`);
    if (tried > 0) throw new Error(`The outage used up attempts of ${tried} leads.`);
  },
});

/** The breaker opens at the fifth failure, which takes long on a busy machine. */
async function settled(count: () => Promise<number>): Promise<number> {
  const deadline = Date.now() + 5000;
  let last = await count();
  while (last > 0 && Date.now() < deadline) {
    await sleep(100);
    last = await count();
  }
  return last;
}

/** The CRM is down, the stage is paused, leads come in bursts and at once. */
export const LOAD_SCENARIOS: Scenarios = {
  'crm-down-1': crmDown(1, { full: 20, ci: 1 }),
  'crm-down-10': crmDown(10, { full: 20, ci: 1 }),
  'crm-down-120': crmDown(120, { full: 20, ci: 0 }),
  'pause-resume': {
    about: 'both stages are paused, Redis is wiped, the worker replaced, the stages resumed',
    trials: { full: 30, ci: 1 },
    pauseAtMostMs: PACE_MS,
    async fault({ world, load }) {
      for (const stage of ['enrichment', 'crm-sync']) await askOps(world.api, 'POST', `/ops/queues/${stage}/pause`);
      await sleep(300);
      const synced = "SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'synced'";
      await load.pause();
      const before = await world.count(synced);
      await world.wipeRedis();
      await world.killAndRestart('worker');
      await sleep(1000);
      const after = await world.count(synced);
      for (const stage of ['enrichment', 'crm-sync']) await askOps(world.api, 'POST', `/ops/queues/${stage}/resume`);
      if (after > before) throw new Error(`${after - before} leads were synced while the stage was paused.`);
    },
  },
  'burst-10': {
    about: 'ten times the senders for two seconds',
    trials: { full: 20, ci: 1 },
    async fault({ load }) {
      await load.burst(10, 2000);
    },
  },
  'burst-50': {
    about: 'fifty times the senders for two seconds',
    trials: { full: 20, ci: 1 },
    async fault({ load }) {
      await load.burst(50, 2000);
    },
  },
  'same-key': {
    about: 'a hundred concurrent posts of one key',
    trials: { full: 1000, ci: 20 },
    async fault({ world, random }) {
      const lead = { email: `one-${random.below(1e9)}@acme.com`, campaign_id: 'same' };
      const answers = await Promise.all(Array.from({ length: 100 }, () => world.api.post(lead)));
      const accepted = answers.filter(({ status }) => status === 202).length;
      // The spool always answers `accepted`; it is used when the machine is too slow for the ledger.
      if (accepted !== 1 && !/PostgreSQL.*spool/.test(world.api.output()))
        throw new Error(`${accepted} of a hundred posts of one key were answered as the first`);
    },
  },
};
