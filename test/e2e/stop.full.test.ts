import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startFakeOpenAiCompatible } from '../support/fakes/openai-compatible.js';
import { findRedisServer } from '../../src/platform/embedded/redis.js';
import { OutageWorld } from '../support/outage-world.js';

const world = new OutageWorld();

describe.skipIf(findRedisServer() === null && !process.env['CI'])(
  'SIGTERM ends the service with exit code 0, before main.ts would force an end with 1',
  () => {
    it('under load, and the next process finishes the leads that it had claimed', async () => {
      const redis = await world.startRedis();
      const service = await world.startService({ REDIS_URL: redis.url });
      const acks = await world.postMany(service, 200);
      expect(await service.stop()).toBe(0);
      await world.startService({ REDIS_URL: redis.url });
      await world.allSynced(acks.length);
    });

    it('is not ready while it finishes its claimed leads, and finishes them', async () => {
      const redis = await world.startRedis();
      const model = await startFakeOpenAiCompatible();
      world.undo.push(() => model.stop());
      model.latencyMs = 3500; // within the time that work in progress has
      const service = await world.startService({
        REDIS_URL: redis.url,
        AI_PROVIDER: 'openai-compatible',
        OPENAI_COMPATIBLE_BASE_URL: `${model.url}/v1`,
        OPENAI_COMPATIBLE_MODEL: 'fake',
      });
      // Over a kept-alive connection, as of a load balancer, and over new ones.
      const ready = () =>
        service.get('/health/ready').then(
          ({ status }) => status,
          () => 'refused',
        );
      await service.post({ email: 'ann@acme.com', campaign_id: 'c', message: 'Please send a quote' });
      await eventually(() => expect(model.received).toHaveLength(1));
      expect(await ready()).toBe(200);
      const ending = service.stop();
      await eventually(async () => expect(await ready()).not.toBe(200));
      for (let look = 0; look < 10; look++) expect(await ready()).not.toBe(200);
      expect(service.child.exitCode).toBeNull();
      expect(await ending).toBe(0);
      expect(service.output()).toContain('A lead was scored');
    });

    it.each([
      ['Redis frozen', 'redis', 'SIGSTOP'],
      ['Redis gone', 'redis', 'SIGKILL'],
      ['PostgreSQL frozen', 'postgres', 'SIGSTOP'],
      ['PostgreSQL gone', 'postgres', 'SIGKILL'],
    ] as const)('with %s', async (_, store, signal) => {
      const redis = await world.startRedis();
      const service = await world.startService({ REDIS_URL: redis.url });
      await world.postMany(service, 100);
      const { pid } = store === 'redis' ? redis : world.postgres;
      let thaw = () => {};
      if (signal === 'SIGSTOP' && store === 'postgres') thaw = await world.freezePostgres();
      else process.kill(pid, signal);
      if (signal === 'SIGSTOP' && store === 'redis') thaw = () => process.kill(pid, 'SIGCONT');
      try {
        expect(await service.stop()).toBe(0);
      } finally {
        thaw();
      }
    });
  },
);
