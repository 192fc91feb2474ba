import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.js';
import type { World } from './world.js';

export interface Scenario {
  about: string;
  /** Trials in a full run and in CI. */
  trials: { full: number; ci: number };
  /** What happens while the senders send; the load goes on around it. */
  fault(world: World, random: Random): Promise<void>;
}

const outage = (random: Random) => sleep(random.between(500, 4000));

export const SCENARIOS: Record<string, Scenario> = {
  'api-kill': {
    about: 'SIGKILL of the api at a random moment',
    trials: { full: 300, ci: 5 },
    fault: (world) => world.killAndRestart('api'),
  },
  'worker-kill': {
    about: 'SIGKILL of the worker at a random moment',
    trials: { full: 100, ci: 3 },
    fault: (world) => world.killAndRestart('worker'),
  },
  'redis-wipe': {
    about: 'FLUSHALL in the middle of the work',
    trials: { full: 50, ci: 3 },
    fault: (world) => world.wipeRedis(),
  },
  'redis-rollback': {
    about: 'Redis comes back with the data of a moment ago',
    trials: { full: 50, ci: 2 },
    async fault(world, random) {
      const rollBack = await world.snapshotRedis();
      await sleep(random.between(100, 1000));
      await rollBack();
    },
  },
  'redis-down': {
    about: 'SIGKILL of Redis, back after some seconds',
    trials: { full: 30, ci: 2 },
    async fault(world, random) {
      await world.killRedis();
      await outage(random);
      await world.startRedis();
    },
  },
  'redis-freeze': {
    about: 'SIGSTOP of Redis for some seconds',
    trials: { full: 30, ci: 2 },
    async fault(world, random) {
      const thaw = world.freezeRedis();
      await outage(random);
      thaw();
    },
  },
  'postgres-kill': {
    about: 'SIGKILL of PostgreSQL, back after some seconds; the spool takes over',
    trials: { full: 50, ci: 3 },
    async fault(world, random) {
      await world.killPostgres();
      await outage(random);
      await world.startPostgres();
    },
  },
  'postgres-freeze': {
    about: 'SIGSTOP of PostgreSQL for some seconds',
    trials: { full: 50, ci: 2 },
    async fault(world, random) {
      const thaw = await world.freezePostgres();
      await outage(random);
      thaw();
    },
  },
  'both-down': {
    about: 'PostgreSQL and Redis are killed, and come back one after the other',
    trials: { full: 30, ci: 2 },
    async fault(world, random) {
      await Promise.all([world.killPostgres(), world.killRedis()]);
      await outage(random);
      const returns = random.chance(0.5)
        ? (['startPostgres', 'startRedis'] as const)
        : (['startRedis', 'startPostgres'] as const);
      for (const start of returns) {
        await world[start]();
        await sleep(random.between(0, 1000));
      }
    },
  },
  'same-key': {
    about: 'a hundred concurrent posts of one key',
    trials: { full: 1000, ci: 20 },
    async fault(world, random) {
      const lead = { email: `one-${random.below(1e9)}@acme.com`, campaign_id: 'same' };
      const answers = await Promise.all(Array.from({ length: 100 }, () => world.api.post(lead)));
      const accepted = answers.filter(({ status }) => status === 202).length;
      // What the spool takes is always answered as accepted; it takes leads where the machine is too slow for the ledger.
      if (accepted !== 1 && !world.api.output().includes('PostgreSQL is away'))
        throw new Error(`${accepted} of a hundred posts of one key were told that they are the first`);
    },
  },
};
