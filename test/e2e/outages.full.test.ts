import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { findRedisServer } from '../../src/platform/embedded/redis.js';
import { eventually } from '../support/eventually.js';
import { OutageWorld, type Ack } from '../support/outage-world.js';
import type { RunningProcess } from '../support/service.js';

const world = new OutageWorld();
const binary = findRedisServer();
describe.skipIf(binary === null && !process.env['CI'])('Redis', () => {
  const portOf = (server: EmbeddedServer) => Number(new URL(server.url).port);

  it('killed: every ack goes on, and every lead is worked on after its return', async () => {
    const redis = await world.startRedis();
    const service = await world.startService({ REDIS_URL: redis.url });
    await world.postMany(service, 40);
    process.kill(redis.pid, 'SIGKILL');
    await redis.exited;
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    const back = await world.startRedis({}, portOf(redis));
    world.undo.push(() => back.stop());
    await world.allSynced(240);
  });

  it('frozen: every ack goes on, and every lead is worked on after the thaw', async () => {
    const redis = await world.startRedis();
    world.undo.push(() => redis.stop());
    const service = await world.startService({ REDIS_URL: redis.url });
    await world.postMany(service, 40);
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const during = await world.postMany(service, 400);
      expect(during.every(({ status }) => status === 202)).toBe(true);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await world.allSynced(440);
  });

  it('down at the start: acks from the first second, and every lead is worked on once it is there', async () => {
    const redis = await world.startRedis();
    const port = portOf(redis);
    await redis.stop();
    const service = await world.startService({ REDIS_URL: redis.url });
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    const back = await world.startRedis({}, port);
    world.undo.push(() => back.stop());
    await world.allSynced(200);
  });

  it('full: acks go on, and every lead is worked on once there is room', async () => {
    const redis = await world.startRedis();
    world.undo.push(() => redis.stop());
    const service = await world.startService({ REDIS_URL: redis.url });
    const admin = new Redis(redis.url);
    world.undo.push(async () => admin.disconnect());
    await world.postMany(service, 20);
    await admin.config('SET', 'maxmemory', '1');
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await admin.config('SET', 'maxmemory', '0');
    await world.allSynced(220);
  });

  it('wiped under load: nothing is lost, nothing doubled', async () => {
    const redis = await world.startRedis();
    world.undo.push(() => redis.stop());
    const service = await world.startService({ REDIS_URL: redis.url });
    const admin = new Redis(redis.url);
    world.undo.push(async () => admin.disconnect());
    const answers: { status: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const [some] = await Promise.all([world.postMany(service, 200), admin.flushall()]);
      answers.push(...some);
    }
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    await world.allSynced(600);
  });

  it('gone: SIGTERM still ends the service in order', async () => {
    const redis = await world.startRedis();
    const service = await world.startService({ REDIS_URL: redis.url });
    await world.postMany(service, 20);
    process.kill(redis.pid, 'SIGKILL');
    await redis.exited;
    expect(await service.stop()).toBe(0);
  });
});

describe.each(['postgres', ...(binary === null ? [] : ['redis'])])('PostgreSQL, queue on %s', (queue) => {
  async function startWith(): Promise<RunningProcess> {
    if (queue === 'postgres') return world.startService({ QUEUE_BACKEND: 'postgres' });
    const redis = await world.startRedis();
    world.undo.push(() => redis.stop());
    return world.startService({ REDIS_URL: redis.url, SPOOL: 'off' });
  }

  it('killed: 503 and never a false 2xx; everything acknowledged is worked on after its return', async () => {
    const service = await startWith();
    const before = await world.postMany(service, 40);
    await world.killPostgres();
    const during = await world.postMany(service, 60);
    expect(during.every(({ status }) => status === 503)).toBe(true);
    await world.startPostgres();
    const after = await eventually(async () => {
      const answer = await world.post(service);
      expect(answer.status).toBe(202);
      return answer;
    });
    for (const { id } of [...before, after]) {
      await eventually(
        async () =>
          expect((await world.sql.query('SELECT state FROM ledger.leads WHERE id = $1', [id])).rows).toEqual([
            { state: 'synced' },
          ]),
        45_000,
      );
    }
    const { rows } = await world.sql.query("SELECT count(*)::int AS n FROM ledger.leads WHERE state <> 'synced'");
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('frozen: 503 while it is, and 202 after the thaw', async () => {
    const service = await startWith();
    await world.postMany(service, 20);
    const thaw = await world.freezePostgres();
    let during: Ack[];
    try {
      during = await world.postMany(service, 40);
    } finally {
      thaw();
    }
    expect(during.every(({ status }) => status === 503)).toBe(true);
    await eventually(async () => expect((await world.post(service)).status).toBe(202));
    await eventually(
      async () => expect((await world.sql.query("SELECT 1 FROM ledger.leads WHERE state <> 'synced'")).rowCount).toBe(0),
      45_000,
    );
  });
});
