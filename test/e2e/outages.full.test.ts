import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findRedisServer } from '../../src/platform/embedded/redis.js';
import { eventually } from '../support/eventually.js';
import { OutageWorld, type Ack } from '../support/outage-world.js';
import type { RunningProcess } from '../support/service.js';

const binary = findRedisServer();
describe.skipIf(binary === null && !process.env['CI'])('Redis', () => {
  const world = new OutageWorld({ shared: true });
  const start = () => world.sharedService({}, {});

  it('killed: every ack goes on, and every lead is worked on after its return', async () => {
    const service = await start();
    await world.postMany(service, 40);
    await world.killRedis();
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await world.startRedis();
    await world.allSynced(240);
  });

  it('frozen: every ack goes on, and every lead is worked on after the thaw', async () => {
    const service = await start();
    const { pid } = world.redis!;
    await world.postMany(service, 40);
    process.kill(pid, 'SIGSTOP');
    try {
      const during = await world.postMany(service, 400);
      expect(during.every(({ status }) => status === 202)).toBe(true);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await world.allSynced(440);
  });

  it('full: acks go on, and every lead is worked on once there is room', async () => {
    const service = await start();
    const admin = new Redis(world.redis!.url);
    onTestFinished(() => admin.disconnect());
    await world.postMany(service, 20);
    await admin.config('SET', 'maxmemory', '1');
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await admin.config('SET', 'maxmemory', '0');
    await world.allSynced(220);
  });

  it('wiped under load: nothing is lost, nothing doubled', async () => {
    const service = await start();
    const admin = new Redis(world.redis!.url);
    onTestFinished(() => admin.disconnect());
    const answers: { status: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const [some] = await Promise.all([world.postMany(service, 200), admin.flushall()]);
      answers.push(...some);
    }
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    await world.allSynced(600);
  });

  // The last one: it ends the service.
  it('gone: SIGTERM still ends the service in order', async () => {
    const service = await start();
    await world.postMany(service, 20);
    await world.killRedis();
    expect(await service.stop()).toBe(0);
  });
});

describe.skipIf(binary === null && !process.env['CI'])('Redis at the start of the service', () => {
  const world = new OutageWorld();

  it('down: acks from the first second, and every lead is worked on once it is there', async () => {
    const redis = await world.startRedis();
    await redis.stop();
    const service = await world.startService({ REDIS_URL: redis.url });
    const during = await world.postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await world.startRedis();
    await world.allSynced(200);
  });
});

describe.each(['postgres', ...(binary === null ? [] : ['redis'])])('PostgreSQL, queue on %s', (queue) => {
  const world = new OutageWorld({ shared: true });
  const start = (): Promise<RunningProcess> =>
    queue === 'postgres' ? world.sharedService({ QUEUE_BACKEND: 'postgres' }) : world.sharedService({ SPOOL: 'off' }, {});

  it('killed: 503 and never a false 2xx; everything acknowledged is worked on after its return', async () => {
    const service = await start();
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
    const service = await start();
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
