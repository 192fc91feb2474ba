import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.js';
import { until } from './salesforce.js';
import type { Scenarios } from './scenario.js';

const outage = (random: Random) => sleep(random.between(500, 4000));

/**
 * Without the spool. A lead in the spool is in Redis alone, so losing Redis then would be a second fault. On a busy
 * machine PostgreSQL can be slow enough for the spool to be used.
 */
const WITHOUT_SPOOL = { SPOOL: 'off' };

const NO_LEADS = ['', '{"id": ', '{"id": "x"}', 'null', '[]', '\u0000'];
const REJECTED = 'SELECT count(*)::int AS n FROM ledger.rejections';

/** Redis and PostgreSQL are killed, frozen, wiped, rolled back, cut off and filled. */
export const STORE_SCENARIOS: Scenarios = {
  'redis-wipe': {
    about: 'FLUSHALL in the middle of the work',
    settings: WITHOUT_SPOOL,
    trials: { full: 50, ci: 3 },
    fault: ({ world }) => world.wipeRedis(),
  },
  'redis-rollback': {
    about: 'Redis comes back with the data of a moment ago',
    settings: WITHOUT_SPOOL,
    trials: { full: 50, ci: 2 },
    async fault({ world, random }) {
      const rollBack = await world.snapshotRedis();
      await sleep(random.between(100, 1000));
      await rollBack();
    },
  },
  'redis-down': {
    about: 'SIGKILL of Redis, back after some seconds',
    trials: { full: 90, ci: 1 },
    async fault({ world, random }) {
      await world.killRedis();
      await outage(random);
      await world.startRedis();
    },
  },
  'redis-freeze': {
    about: 'SIGSTOP of Redis for some seconds',
    trials: { full: 90, ci: 1 },
    async fault({ world, random }) {
      const thaw = world.freezeRedis();
      await outage(random);
      thaw();
    },
  },
  'postgres-kill': {
    about: 'SIGKILL of PostgreSQL, back after some seconds; the spool takes over',
    trials: { full: 50, ci: 3 },
    async fault({ world, random }) {
      await world.killPostgres();
      await outage(random);
      await world.startPostgres();
    },
  },
  'spool-poison': {
    about: 'as postgres-kill, and entries that are no leads get into the spool: they become rejections, all others drain',
    trials: { full: 20, ci: 1 },
    async fault({ world, random }) {
      const rejected = await world.count(REJECTED);
      await world.killPostgres();
      const redis = new Redis(world.redis.url);
      const added = random.between(1, 20);
      try {
        for (let entry = 0; entry < added; entry++) {
          await redis.xadd('{revenueflow}:spool', '*', 'lead', NO_LEADS[random.between(0, NO_LEADS.length)]!);
          await sleep(random.between(0, 100));
        }
      } finally {
        redis.disconnect();
      }
      await world.startPostgres();
      await until(world, `SELECT greatest(0, ${rejected + added} - (${REJECTED}))::int AS n`);
    },
  },
  'postgres-freeze': {
    about: 'SIGSTOP of PostgreSQL for some seconds',
    trials: { full: 50, ci: 2 },
    async fault({ world, random }) {
      const thaw = await world.freezePostgres();
      await outage(random);
      thaw();
    },
  },
  'both-down': {
    about: 'PostgreSQL and Redis are killed, and come back one after the other',
    trials: { full: 30, ci: 2 },
    async fault({ world, random }) {
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
  'network-slow': {
    about: 'each packet to and from both stores takes 150 ms for some seconds',
    trials: { full: 30, ci: 1 },
    async fault({ world, random }) {
      for (const proxy of Object.values(world.proxies)) proxy.weather = 'slow';
      await outage(random);
      for (const proxy of Object.values(world.proxies)) proxy.weather = 'clear';
    },
  },
  'network-drop': {
    about: 'all connections to one store are reset, again and again',
    trials: { full: 30, ci: 1 },
    async fault({ world, random }) {
      const proxy = world.proxies[random.chance(0.5) ? 'postgres' : 'redis'];
      for (let time = random.between(1, 8); time > 0; time--) {
        proxy.drop();
        await sleep(random.between(10, 400));
      }
    },
  },
  'network-half-open': {
    about: 'connections to one store stay up and carry nothing for some seconds, then break',
    trials: { full: 30, ci: 1 },
    async fault({ world, random }) {
      const proxy = world.proxies[random.chance(0.5) ? 'postgres' : 'redis'];
      proxy.weather = 'half-open';
      await outage(random);
      proxy.weather = 'clear';
      proxy.drop();
    },
  },
};
