import { setTimeout as sleep } from 'node:timers/promises';
import { askOps } from '../../support/operator.js';
import { ALL_SALESFORCE_FAULTS } from '../../support/fakes/salesforce/faults.js';
import { World } from '../world.js';
import type { Scenario, Scenarios } from './scenario.js';

const BACKLOG = 10_000;
const CALLS_PER_LEAD_AT_MOST = 0.03;
const DRAINED_WITHIN_MS = 240_000;

/** A world whose CRM is the fake org, whatever the others have. */
export const startWithOrg = (settings?: Record<string, string>): Promise<World> => World.start(settings, { crm: 'salesforce' });

export const withOrg = (scenario: Omit<Scenario, 'open'>): Scenario => ({
  ...scenario,
  open: () => startWithOrg(scenario.settings),
});

/** Salesforce fails, refuses our token, runs out of calls. */
export const SALESFORCE_SCENARIOS: Scenarios = {
  'salesforce-backlog': withOrg({
    about: `${BACKLOG} leads wait, three workers write them, 5 % of the calls fail in every way: at most ${CALLS_PER_LEAD_AT_MOST} calls per lead`,
    trials: { full: 1, ci: 0 },
    settings: { RETRY_BASE_MS: '100' },
    async fault({ world, load, number, note }) {
      await load.pause();
      await askOps(world.api, 'POST', '/ops/queues/crm-sync/pause');
      for (let from = 0; from < BACKLOG; from += 200) {
        const emails = Array.from({ length: 200 }, (_, index) => `b${from + index}-${number}@acme.com`);
        await Promise.all(emails.map((email) => world.api.post({ email, campaign_id: 'backlog', name: 'Ann Lee' })));
      }
      await until(world, "SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'received'");
      await world.addWorker();
      await world.addWorker();
      const org = world.org!;
      org.setFaults({ rate: 0.05, kinds: ALL_SALESFORCE_FAULTS, seed: number, slowMs: 500 });
      const before = org.apiCalls();
      await askOps(world.api, 'POST', '/ops/queues/crm-sync/resume');
      await until(world, "SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'enriched'");
      org.setFaults({});
      const calls = (org.apiCalls() - before) / BACKLOG;
      note(`${calls.toFixed(4)} API calls per lead`);
      if (calls > CALLS_PER_LEAD_AT_MOST) throw new Error(`A lead has cost ${calls.toFixed(3)} API calls.`);
    },
  }),
  'salesforce-faults': withOrg({
    about: 'three workers, and 5 % of the calls to Salesforce fail, in every way it knows',
    trials: { full: 20, ci: 1 },
    settings: { RETRY_BASE_MS: '100' },
    async fault({ world, number }) {
      if (number === 1) await Promise.all([world.addWorker(), world.addWorker()]);
      world.org!.setFaults({ rate: 0.05, kinds: ALL_SALESFORCE_FAULTS, seed: number, slowMs: 500 });
      await sleep(3000);
      world.org!.setFaults({});
    },
  }),
  'salesforce-token': withOrg({
    about: 'the token is revoked, and for a while no new one is issued: no dead letter',
    trials: { full: 20, ci: 1 },
    settings: { RETRY_BASE_MS: '20' },
    async fault({ world, random }) {
      world.org!.revokeTokens();
      await sleep(random.between(500, 2000));
      world.org!.revokeTokens(false);
    },
  }),
  'salesforce-limit': withOrg({
    about: "other integrations use up the org's daily calls; hours later (scaled by 250) the window moves on",
    trials: { full: 20, ci: 1 },
    settings: { RETRY_BASE_MS: '4' },
    async fault({ world, load }) {
      const org = world.org!;
      org.setDailyUsed(9_600_000);
      await sleep(1500);
      const before = org.apiCalls();
      await sleep(1500);
      const looked = org.apiCalls() - before;
      org.setDailyUsed(0);
      await load.pause();
      if (looked > 20) throw new Error(`${looked} calls were made that were reserved for other integrations.`);
    },
  }),
};

export async function until(world: World, none: string, withinMs = DRAINED_WITHIN_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  while ((await world.count(none)) > 0) {
    if (Date.now() > deadline) throw new Error(`Still not 0 after ${withinMs / 1000} s: ${none}`);
    await sleep(200);
  }
}
