import { describe, expect, it } from 'vitest';
import { findRedisServer } from '../../src/platform/embedded/redis.js';
import { OutageWorld } from '../support/outage-world.js';
import type { RunningProcess } from '../support/service.js';

const world = new OutageWorld();

async function stopped(service: RunningProcess): Promise<{ code: number | null; ms: number }> {
  const began = performance.now();
  const code = await service.stop();
  return { code, ms: performance.now() - began };
}

describe.skipIf(findRedisServer() === null && !process.env['CI'])(
  'SIGTERM ends the service within ten seconds, exit code 0',
  () => {
    it('under load, and whatever it had in hand is finished by the next', async () => {
      const redis = await world.startRedis();
      world.undo.push(() => redis.stop());
      const service = await world.startService({ REDIS_URL: redis.url });
      const acks = await world.postMany(service, 400);
      const { code, ms } = await stopped(service);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(10_000);
      await world.startService({ REDIS_URL: redis.url });
      await world.allSynced(acks.length);
    });

    it.each([
      ['Redis frozen', 'redis', 'SIGSTOP'],
      ['Redis gone', 'redis', 'SIGKILL'],
      ['PostgreSQL frozen', 'postgres', 'SIGSTOP'],
      ['PostgreSQL gone', 'postgres', 'SIGKILL'],
    ] as const)('with %s', async (_, store, signal) => {
      const redis = await world.startRedis();
      world.undo.push(() => redis.stop());
      const service = await world.startService({ REDIS_URL: redis.url });
      await world.postMany(service, 100);
      const pid = store === 'redis' ? redis.pid : world.postgres.pid;
      // A PostgreSQL consists of many processes; its group is frozen as a whole.
      const target = store === 'postgres' && signal === 'SIGSTOP' ? -pid : pid;
      process.kill(target, signal);
      try {
        const { code, ms } = await stopped(service);
        expect(code).toBe(0);
        expect(ms).toBeLessThan(10_000);
      } finally {
        if (signal === 'SIGSTOP') process.kill(target, 'SIGCONT');
      }
    });
  },
);
