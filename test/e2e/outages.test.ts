import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../src/platform/embedded/server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { eventually } from '../support/eventually.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let folder: string;
let postgres: EmbeddedServer;
let sql: pg.Client;
const undo: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-outage-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres') });
  undo.push(() => postgres.stop());
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(env: Record<string, string>): Promise<RunningProcess> {
  const service = await startProcess({ DATABASE_URL: postgres.url, SWEEP_INTERVAL_MS: '500', LEASE_MS: '1000', ...env });
  undo.push(() => service.stop());
  sql = new pg.Client({ connectionString: postgres.url });
  sql.on('error', () => {});
  await sql.connect();
  undo.push(() => sql.end());
  return service;
}

let people = 0;
async function post(service: RunningProcess): Promise<{ status: number; ms: number; id: string }> {
  const began = performance.now();
  const { status, body } = await service.post({ email: `p${people++}@acme.com`, campaign_id: 'outage' });
  return { status, ms: performance.now() - began, id: body.leadId };
}

/** Twenty at a time, as Marketo would at most. */
async function postMany(service: RunningProcess, count: number) {
  const answers: Awaited<ReturnType<typeof post>>[] = [];
  for (let sent = 0; sent < count; sent += 20)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => post(service)))));
  return answers;
}

const p99 = (answers: { ms: number }[]) =>
  answers.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(answers.length * 0.99)]!;

async function allSynced(count: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await sql.query<{ state: string; n: number }>(
      'SELECT state, count(*)::int AS n FROM ledger.leads GROUP BY state',
    );
    expect(rows).toEqual([{ state: 'synced', n: count }]);
  }, 45_000);
  const { rows } = await sql.query(
    'SELECT (SELECT count(*)::int FROM mock_crm.leads) AS l, (SELECT count(*)::int FROM mock_crm.campaign_members) AS m',
  );
  expect(rows[0]).toEqual({ l: count, m: count });
}

const binary = findRedisServer();
describe.skipIf(binary === null && !process.env['CI'])('Redis', () => {
  const startRedis = (settings: Record<string, string> = {}, port?: number) =>
    startEmbeddedRedis({ binary: binary!, folder: join(folder, 'redis'), settings, ...(port === undefined ? {} : { port }) });
  const portOf = (server: EmbeddedServer) => Number(new URL(server.url).port);

  it('killed: every ack goes on, and every lead is worked on after its return', async () => {
    const redis = await startRedis();
    const service = await start({ REDIS_URL: redis.url });
    await postMany(service, 40);
    process.kill(redis.pid, 'SIGKILL');
    await redis.exited;
    const during = await postMany(service, 400);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    expect(p99(during)).toBeLessThan(200);
    const back = await startRedis({}, portOf(redis));
    undo.push(() => back.stop());
    await allSynced(440);
  });

  it('frozen: every ack goes on, and every lead is worked on after the thaw', async () => {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    const service = await start({ REDIS_URL: redis.url });
    await postMany(service, 40);
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const during = await postMany(service, 400);
      expect(during.every(({ status }) => status === 202)).toBe(true);
      expect(p99(during)).toBeLessThan(200);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await allSynced(440);
  });

  it('down at the start: acks from the first second, and every lead is worked on once it is there', async () => {
    const redis = await startRedis();
    const port = portOf(redis);
    await redis.stop();
    const service = await start({ REDIS_URL: redis.url });
    const during = await postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    expect(p99(during)).toBeLessThan(200);
    const back = await startRedis({}, port);
    undo.push(() => back.stop());
    await allSynced(200);
  });

  it('full: acks go on, and every lead is worked on once there is room', async () => {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    const service = await start({ REDIS_URL: redis.url });
    const admin = new Redis(redis.url);
    undo.push(async () => admin.disconnect());
    await postMany(service, 20);
    await admin.config('SET', 'maxmemory', '1');
    const during = await postMany(service, 200);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    expect(p99(during)).toBeLessThan(200);
    await admin.config('SET', 'maxmemory', '0');
    await allSynced(220);
  });

  it('wiped under load: nothing is lost, nothing doubled', async () => {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    const service = await start({ REDIS_URL: redis.url });
    const admin = new Redis(redis.url);
    undo.push(async () => admin.disconnect());
    const answers: { status: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const [some] = await Promise.all([postMany(service, 200), admin.flushall()]);
      answers.push(...some);
    }
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    await allSynced(600);
  });

  it('gone: SIGTERM still ends the service in order, within ten seconds', async () => {
    const redis = await startRedis();
    const service = await start({ REDIS_URL: redis.url });
    await postMany(service, 20);
    process.kill(redis.pid, 'SIGKILL');
    await redis.exited;
    const began = Date.now();
    expect(await service.stop()).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});

describe.each(['postgres', ...(binary === null ? [] : ['redis'])])('PostgreSQL, queue on %s', (queue) => {
  async function startWith(): Promise<RunningProcess> {
    if (queue === 'postgres') return start({ QUEUE_BACKEND: 'postgres' });
    const redis = await startEmbeddedRedis({ binary: binary!, folder: join(folder, 'redis') });
    undo.push(() => redis.stop());
    return start({ REDIS_URL: redis.url });
  }

  it('killed: 503 within a second and never a false 2xx; everything acknowledged is worked on after its return', async () => {
    const service = await startWith();
    const before = await postMany(service, 40);
    process.kill(postgres.pid, 'SIGKILL');
    await postgres.exited;
    const during = await postMany(service, 60);
    expect(during.every(({ status }) => status === 503)).toBe(true);
    expect(Math.max(...during.map(({ ms }) => ms))).toBeLessThan(1500);
    const port = Number(new URL(postgres.url).port);
    postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), port });
    sql = new pg.Client({ connectionString: postgres.url });
    await sql.connect();
    undo.push(() => sql.end());
    const after = await eventually(async () => {
      const answer = await post(service);
      expect(answer.status).toBe(202);
      return answer;
    });
    for (const { id } of [...before, after]) {
      await eventually(
        async () =>
          expect((await sql.query('SELECT state FROM ledger.leads WHERE id = $1', [id])).rows).toEqual([{ state: 'synced' }]),
        45_000,
      );
    }
    const { rows } = await sql.query("SELECT count(*)::int AS n FROM ledger.leads WHERE state <> 'synced'");
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('frozen: 503 within a second, and business as usual after the thaw', async () => {
    const service = await startWith();
    await postMany(service, 20);
    // The postmaster's children are what serves us; a whole frozen machine is modelled by freezing them all.
    const { rows } = await sql.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    const pids = [postgres.pid, ...rows.map((row) => row.pid)];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    let during: Awaited<ReturnType<typeof postMany>>;
    try {
      during = await postMany(service, 40);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    expect(during.every(({ status }) => status === 503)).toBe(true);
    expect(Math.max(...during.map(({ ms }) => ms))).toBeLessThan(1500);
    await eventually(async () => expect((await post(service)).status).toBe(202));
    await eventually(
      async () => expect((await sql.query("SELECT 1 FROM ledger.leads WHERE state <> 'synced'")).rowCount).toBe(0),
      45_000,
    );
  });
});

describe.skipIf(binary === null && !process.env['CI'])('the spool, in a Redis that syncs each write', () => {
  async function world() {
    const redis = await startEmbeddedRedis({
      binary: binary!,
      folder: join(folder, 'redis'),
      settings: { appendfsync: 'always' },
    });
    undo.push(() => redis.stop());
    return { redis, service: await start({ REDIS_URL: redis.url }) };
  }
  async function killPostgres(): Promise<void> {
    process.kill(postgres.pid, 'SIGKILL');
    await postgres.exited;
  }
  async function startPostgres(): Promise<void> {
    const port = Number(new URL(postgres.url).port);
    postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), port });
    sql = new pg.Client({ connectionString: postgres.url });
    sql.on('error', () => {});
    await sql.connect();
    undo.push(() => sql.end());
  }

  it('takes the leads while PostgreSQL is away, in time and under the ids that they will have', async () => {
    const { service } = await world();
    await postMany(service, 20);
    await killPostgres();
    // The first ones find it out; from then on the gate is closed.
    const first = await postMany(service, 20);
    const during = await postMany(service, 400);
    expect([...first, ...during].every(({ status }) => status === 202)).toBe(true);
    expect(Math.max(...first.map(({ ms }) => ms))).toBeLessThan(1500);
    expect(p99(during)).toBeLessThan(200);
    await startPostgres();
    await allSynced(440);
    const { rows } = await sql.query<{ id: string }>('SELECT id FROM ledger.leads');
    expect(new Set(rows.map(({ id }) => id))).toEqual(
      expect.objectContaining(new Set([...first, ...during].map(({ id }) => id))),
    );
    expect(service.output().match(/leads go to the spool"/g)).toHaveLength(2); // once at the start, once at the switch
    expect(service.output().match(/PostgreSQL is back/g)).toHaveLength(1);
  });

  it('keeps the order of one lead, and recognises what is there already', async () => {
    const { service } = await world();
    const lead = { email: 'order@acme.com', campaign_id: 'spool', title: 'one' };
    const { leadId } = (await service.post(lead)).body;
    await killPostgres();
    for (const title of ['one', 'two', 'three']) {
      const { status, body } = await service.post({ ...lead, title });
      expect([status, body]).toEqual([202, { status: 'accepted', leadId, duplicate: false }]);
    }
    await startPostgres();
    await eventually(async () => {
      const { body } = await service.get(`/ops/leads/${leadId}`);
      expect([body.state, body.revision, body.attributes]).toEqual(['synced', 3, { title: 'three' }]);
    }, 45_000);
  });

  it('survives a kill -9 of the service between spooling and draining', async () => {
    const { redis, service } = await world();
    await killPostgres();
    const during = await postMany(service, 100);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await service.kill();
    await startPostgres();
    await start({ REDIS_URL: redis.url });
    await allSynced(100);
  });

  it('never says 2xx while both stores are away', async () => {
    const { redis, service } = await world();
    await killPostgres();
    process.kill(redis.pid, 'SIGKILL');
    await redis.exited;
    const during = await postMany(service, 60);
    expect(during.every(({ status }) => status === 503)).toBe(true);
    expect(Math.max(...during.map(({ ms }) => ms))).toBeLessThan(1500);
  });

  it('is not used in a Redis that cannot confirm a write', async () => {
    const { redis, service } = await world();
    const admin = new Redis(redis.url);
    undo.push(async () => admin.disconnect());
    await admin.config('SET', 'appendonly', 'no');
    await killPostgres();
    expect((await postMany(service, 20)).every(({ status }) => status === 503)).toBe(true);
    expect(await admin.xlen('{revenueflow}:spool')).toBe(0);
  });
});
