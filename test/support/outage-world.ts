import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { lives } from '../../src/platform/embedded/child-process.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { eventually } from './eventually.js';
import { freeze } from './freeze.js';
import { startOwnPostgres } from './own-postgres.js';
import { startProcess, type RunningProcess } from './service.js';

/** Concurrent requests. */
const ROUND = 20;

export interface Ack {
  status: number;
  id: string;
}

/** The service on stores of its own, which a test may kill and freeze. */
export class OutageWorld {
  folder = '';
  postgres!: EmbeddedServer;
  redis: EmbeddedServer | undefined;
  sql!: pg.Client;
  /** Cleanup steps, run last to first. */
  readonly undo: (() => Promise<unknown>)[] = [];
  private service: RunningProcess | undefined;
  private people = 0;

  /**
   * @param shared the tests of the group use one world, without the leads of the tests before: to start it takes longer
   * than a test. Each leaves the stores running. After a test that fails there is a new world. Otherwise each test has
   * its own.
   */
  constructor({ shared = false } = {}) {
    beforeEach(async () => {
      if (this.service) return void (await this.sql.query('TRUNCATE ledger.leads, ledger.events, mock_crm.leads CASCADE'));
      this.folder = await mkdtemp(join(tmpdir(), 'revenueflow-outage-'));
      this.undo.push(() => rm(this.folder, { recursive: true, force: true }));
      this.postgres = await startOwnPostgres(join(this.folder, 'postgres'));
      this.undo.push(() => this.postgres.stop());
    });
    afterEach(async ({ task }) => {
      if (!shared || task.result?.state === 'fail') await this.close();
    });
    afterAll(() => this.close());
  }

  async startService(env: Record<string, string>): Promise<RunningProcess> {
    const service = await startProcess({ DATABASE_URL: this.postgres.url, SWEEP_INTERVAL_MS: '500', LEASE_MS: '1000', ...env });
    this.undo.push(() => service.stop());
    await this.connect();
    return service;
  }

  /** The service that the tests of the group share: started by the first of them, on a Redis with these settings. */
  async sharedService(env: Record<string, string>, redisSettings?: Record<string, string>): Promise<RunningProcess> {
    if (this.service) return this.service;
    const { url } = redisSettings ? await this.startRedis(redisSettings) : {};
    return (this.service = await this.startService({ ...(url ? { REDIS_URL: url } : {}), ...env }));
  }

  /** A Redis that has run before starts on its port, with its data. */
  async startRedis(settings: Record<string, string> = {}): Promise<EmbeddedServer> {
    const options = { binary: findRedisServer()!, folder: join(this.folder, 'redis'), settings };
    const port = this.redis && Number(new URL(this.redis.url).port);
    if (!this.redis) this.undo.push(() => this.redis!.stop());
    return (this.redis = await startEmbeddedRedis(port === undefined ? options : { ...options, port }));
  }

  async killRedis(): Promise<void> {
    process.kill(this.redis!.pid, 'SIGKILL');
    await this.redis!.exited;
  }

  /** Its backends end after a moment; until then one may still answer and commit. */
  async killPostgres(): Promise<void> {
    const backends = await this.backends();
    process.kill(this.postgres.pid, 'SIGKILL');
    await this.postgres.exited;
    await eventually(() => expect(backends.filter(lives)).toEqual([]));
  }

  /** Stops every process of it; each has its own process group. @returns a function that continues them. */
  async freezePostgres(): Promise<() => void> {
    return freeze([this.postgres.pid, ...(await this.backends())]);
  }

  /** Starts it on the same port with the same data. */
  async startPostgres(): Promise<void> {
    const port = Number(new URL(this.postgres.url).port);
    this.postgres = await startEmbeddedPostgres({ folder: join(this.folder, 'postgres'), port });
    await this.connect();
  }

  async post(service: RunningProcess): Promise<Ack> {
    const { status, body } = await service.post({ email: `p${this.people++}@acme.com`, campaign_id: 'outage' });
    return { status, id: body.leadId };
  }

  /** Twenty at a time, the most that Marketo sends. */
  async postMany(service: RunningProcess, count: number): Promise<Ack[]> {
    const acks: Ack[] = [];
    while (acks.length < count) acks.push(...(await Promise.all(Array.from({ length: ROUND }, () => this.post(service)))));
    return acks;
  }

  /** Waits until exactly this many leads are in the CRM, each once. */
  async allSynced(count: number): Promise<void> {
    await eventually(async () => {
      const { rows } = await this.sql.query<{ state: string; n: number }>(
        'SELECT state, count(*)::int AS n FROM ledger.leads GROUP BY state',
      );
      expect(rows).toEqual([{ state: 'synced', n: count }]);
    });
    const { rows } = await this.sql.query(
      'SELECT (SELECT count(*)::int FROM mock_crm.leads) AS l, (SELECT count(*)::int FROM mock_crm.campaign_members) AS m',
    );
    expect(rows[0]).toEqual({ l: count, m: count });
  }

  /** Without the test's own backend. */
  private async backends(): Promise<number[]> {
    const { rows } = await this.sql.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    return rows.map(({ pid }) => pid);
  }

  private async close(): Promise<void> {
    for (const step of this.undo.splice(0).toReversed()) await step();
    this.service = undefined;
    this.redis = undefined;
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({ connectionString: this.postgres.url });
    client.on('error', () => {}); // the tests kill the server under it
    await client.connect();
    this.undo.push(() => client.end());
    this.sql = client;
  }
}
