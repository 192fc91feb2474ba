import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Proxy } from '../chaos/proxy.js';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProcess, type RunningProcess } from '../support/service.js';

/** The first two connections of a worker are its queues'; the later ones are its consumers'. */
const CONSUMERS_FROM = 2;

describe.skipIf(!hasRedis())('a worker whose connections to Redis a firewall has forgotten', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let proxy: Proxy;
  let api: RunningProcess;
  let worker: RunningProcess;
  let replacement: RunningProcess | undefined;
  let env: Record<string, string>;

  beforeEach(async () => {
    database = await freshDatabase();
    const redis = (await freshRedis())!;
    proxy = await Proxy.start(Number(new URL(redis.url).port));
    // The shortest time after which a worker counts as stuck is half a minute. The watchdog's spec uses a fake clock.
    env = { DATABASE_URL: database.url, REDIS_URL: redis.url, LEASE_MS: '1000', AI_TIMEOUT_MS: '100' };
    api = await startProcess({ ...env, ROLE: 'api' });
    worker = await startProcess({ ...env, ROLE: 'worker', REDIS_URL: proxy.through(redis.url) });
  });
  afterEach(async () => {
    await Promise.all([api.stop(), worker.kill(), replacement?.stop()]);
    await proxy.stop();
    await database.drop();
  });

  const post = async (email: string) => (await api.post({ email, campaign_id: 'c' })).body.leadId;
  const state = async (id: string) => (await api.get(`/ops/leads/${id}`)).body.state;
  const ready = async () => {
    const { status, text } = await worker.get('/health/ready');
    return { status, ...(JSON.parse(text) as { dependencies: Record<string, string> }).dependencies };
  };

  it('looks well, consumes nothing, is no longer ready, and ends itself to be replaced', async () => {
    const before = await post('ann@acme.com');
    await eventually(async () => expect(await state(before)).toBe('synced'));
    expect(await ready()).toEqual({ status: 200, postgres: 'up', queue: 'up', progress: 'up' });

    proxy.forgetFrom(CONSUMERS_FROM);
    const ended = once(worker.child, 'exit');
    const waiting = await post('bob@acme.com');
    await eventually(
      async () => expect(await ready()).toEqual({ status: 503, postgres: 'up', queue: 'up', progress: 'down' }),
      30_000,
    );
    expect((await worker.get('/health/live')).status).toBe(200);
    expect(await state(waiting)).toBe('received');

    expect(await ended).toEqual([70, null]);
    expect(worker.output()).toContain('This worker makes no progress while leads wait');
    replacement = await startProcess({ ...env, ROLE: 'worker' });
    await eventually(async () => expect(await state(waiting)).toBe('synced'));
  }, 90_000);
});
