import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { EmbeddedServer } from '../../src/platform/embedded/server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { startProcess, type RunningProcess } from '../support/service.js';

/**
 * The service as it runs in production, on this machine: an api and a worker process, a PostgreSQL and a Redis, each of which
 * a scenario may kill, freeze, wipe and start again. Leases and sweeps are short, so that a trial ends soon.
 */
export class World {
  private constructor(
    private readonly folder: string,
    public postgres: EmbeddedServer,
    public redis: EmbeddedServer,
    public api: RunningProcess,
    public worker: RunningProcess,
  ) {}

  static async start(): Promise<World> {
    const binary = findRedisServer();
    if (!binary) throw new Error('The trials need redis-server: apt-get install redis-server.');
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-chaos-'));
    const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres') });
    // Each write synced, so that the spool may count on it (WAITAOF would need Redis 7.2).
    const redis = await startEmbeddedRedis({ binary, folder: join(folder, 'redis'), settings: { appendfsync: 'always' } });
    const api = await startProcess(environment('api', postgres.url, redis.url));
    const worker = await startProcess(environment('worker', postgres.url, redis.url));
    return new World(folder, postgres, redis, api, worker);
  }

  async stop(): Promise<void> {
    await Promise.all([this.api.stop(), this.worker.stop()]);
    await Promise.all([this.postgres.stop(), this.redis.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  async killAndRestart(role: 'api' | 'worker'): Promise<void> {
    await this[role].kill();
    this[role] = await startProcess(environment(role, this.postgres.url, this.redis.url));
  }

  async killRedis(): Promise<void> {
    process.kill(this.redis.pid, 'SIGKILL');
    await this.redis.exited;
  }

  async startRedis(): Promise<void> {
    const port = Number(new URL(this.redis.url).port);
    const options = { binary: findRedisServer()!, folder: join(this.folder, 'redis'), settings: { appendfsync: 'always' }, port };
    this.redis = await startEmbeddedRedis(options);
  }

  /** What the loss of a Redis host may leave: the data as it was some time ago. */
  async snapshotRedis(): Promise<() => Promise<void>> {
    const copy = join(this.folder, 'redis-snapshot');
    await rm(copy, { recursive: true, force: true });
    await cp(this.redis.dataFolder, copy, { recursive: true });
    return async () => {
      await this.killRedis();
      await rm(this.redis.dataFolder, { recursive: true });
      await cp(copy, this.redis.dataFolder, { recursive: true });
      await this.startRedis();
    };
  }

  async wipeRedis(): Promise<void> {
    const client = new Redis(this.redis.url);
    await client.flushall();
    client.disconnect();
  }

  async killPostgres(): Promise<void> {
    process.kill(this.postgres.pid, 'SIGKILL');
    await this.postgres.exited;
  }

  async startPostgres(): Promise<void> {
    const port = Number(new URL(this.postgres.url).port);
    this.postgres = await startEmbeddedPostgres({ folder: join(this.folder, 'postgres'), port });
  }

  /** Freezes the server with all its backends; gives the thaw. */
  async freezePostgres(): Promise<() => void> {
    const { rows } = await this.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    const pids = [this.postgres.pid, ...rows.map((row) => row.pid)];
    const signal = (name: NodeJS.Signals) => {
      for (const pid of pids) {
        try {
          process.kill(pid, name);
        } catch {
          // A backend that has ended in the meantime needs neither.
        }
      }
    };
    signal('SIGSTOP');
    return () => signal('SIGCONT');
  }

  freezeRedis(): () => void {
    process.kill(this.redis.pid, 'SIGSTOP');
    return () => process.kill(this.redis.pid, 'SIGCONT');
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<pg.QueryResult<Row>> {
    const client = new pg.Client({ connectionString: this.postgres.url, connectionTimeoutMillis: 2000, query_timeout: 30_000 });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query<Row>(text, values);
    } finally {
      await client.end();
    }
  }
}

function environment(role: 'api' | 'worker', DATABASE_URL: string, REDIS_URL: string): Record<string, string> {
  return { ROLE: role, DATABASE_URL, REDIS_URL, LEASE_MS: '1000', SWEEP_INTERVAL_MS: '500', LOG_LEVEL: 'warn' };
}
