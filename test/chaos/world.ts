import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { createCluster } from '../support/cluster.js';
import { freeze } from '../support/freeze.js';
import { startProcess, type RunningProcess } from '../support/service.js';
import type { SalesforceFake } from '../support/fakes/salesforce/index.js';
import { crmInTrials, settingsOf, startOrg } from './org.js';
import { Proxy } from './proxy.js';

const AT_BOUNDARY = pathToFileURL(join(import.meta.dirname, 'at-boundary.mjs')).href;
/** Each write is synced, as the spool requires. */
const REDIS_SETTINGS = { appendfsync: 'always' };

export type Role = 'api' | 'worker';

/**
 * The service as in production, on this machine: an api and a worker process, a PostgreSQL and a Redis, and the
 * network between them. A scenario may kill, freeze, wipe and restart each. Leases and sweep intervals are short, so
 * that trials are short.
 */
export class World {
  api!: RunningProcess;
  worker!: RunningProcess;
  /** Leads that a scenario expects to become dead letters. */
  readonly doomed = new Set<string>();
  /** The org behind CRM_PROVIDER=salesforce; null with the mock CRM. */
  org: SalesforceFake | null = null;
  private readonly extra: RunningProcess[] = [];

  private constructor(
    private readonly folder: string,
    readonly postgresFolder: string,
    public postgres: EmbeddedServer,
    public redis: EmbeddedServer,
    readonly proxies: { postgres: Proxy; redis: Proxy },
    private readonly settings: Record<string, string>,
  ) {}

  /**
   * @param settings environment of the service.
   * @param place where PostgreSQL keeps its data, if not in the world's own folder; the CRM, if not that of all trials.
   */
  static async start(
    settings: Record<string, string> = {},
    place: { postgresFolder?: string; crm?: ReturnType<typeof crmInTrials> } = {},
  ): Promise<World> {
    const org = (place.crm ?? crmInTrials()) === 'salesforce' ? await startOrg() : null;
    const binary = findRedisServer();
    if (!binary) throw new Error('The trials need redis-server: apt-get install redis-server.');
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-chaos-'));
    const data = place.postgresFolder ?? join(folder, 'postgres');
    await copyCluster(data);
    const [postgres, redis] = await Promise.all([
      startEmbeddedPostgres({ folder: data }),
      startEmbeddedRedis({ binary, folder: join(folder, 'redis'), settings: REDIS_SETTINGS }),
    ]);
    const proxies = { postgres: await Proxy.start(portOf(postgres)), redis: await Proxy.start(portOf(redis)) };
    const world = new World(folder, data, postgres, redis, proxies, { ...(org ? settingsOf(org) : {}), ...settings });
    world.org = org;
    [world.api, world.worker] = await Promise.all([world.startRole('api'), world.startRole('worker')]);
    return world;
  }

  async stop(): Promise<void> {
    await Promise.all([this.api, this.worker, ...this.extra].map((service) => service.stop()));
    await Promise.all([this.proxies.postgres.stop(), this.proxies.redis.stop()]);
    await Promise.all([this.postgres.stop(), this.redis.stop(), this.org?.close()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  startRole(role: Role, env: Record<string, string> = {}): Promise<RunningProcess> {
    return startProcess({
      ROLE: role,
      DATABASE_URL: this.proxies.postgres.through(this.postgres.url),
      REDIS_URL: this.proxies.redis.through(this.redis.url),
      LEASE_MS: '1000',
      SWEEP_INTERVAL_MS: '500',
      LOG_LEVEL: 'warn',
      ...this.settings,
      ...env,
    });
  }

  /** A second worker, until the world is closed. */
  async addWorker(env: Record<string, string> = {}): Promise<RunningProcess> {
    const worker = await this.startRole('worker', env);
    this.extra.push(worker);
    return worker;
  }

  /** A worker that crashes at an I/O step or with a certain lead; see at-boundary.mjs. */
  startDoomedWorker(env: Record<string, string>): Promise<RunningProcess> {
    return this.startRole('worker', { NODE_OPTIONS: `--import ${AT_BOUNDARY}`, ...env });
  }

  async killAndRestart(role: Role): Promise<void> {
    await this[role].kill();
    this[role] = await this.startRole(role);
  }

  /** SIGTERM: returns the exit code and the time that the stop took. */
  async stopAndRestart(role: Role): Promise<{ code: number | null; ms: number }> {
    const began = performance.now();
    const code = await this[role].stop();
    const ms = performance.now() - began;
    this[role] = await this.startRole(role);
    return { code, ms };
  }

  async killRedis(): Promise<void> {
    process.kill(this.redis.pid, 'SIGKILL');
    await this.redis.exited;
  }

  async startRedis(): Promise<void> {
    const options = { binary: findRedisServer()!, folder: join(this.folder, 'redis'), settings: REDIS_SETTINGS };
    this.redis = await startEmbeddedRedis({ ...options, port: portOf(this.redis) });
  }

  /** Restores older data, as after the loss of a Redis host. */
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
    this.postgres = await startEmbeddedPostgres({ folder: this.postgresFolder, port: portOf(this.postgres) });
  }

  /** Freezes the server with all its backends; returns the function that resumes it. */
  async freezePostgres(): Promise<() => void> {
    const { rows } = await this.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    return freeze([this.postgres.pid, ...rows.map((row) => row.pid)]);
  }

  freezeRedis(): () => void {
    return freeze([this.redis.pid]);
  }

  /** Makes every CRM write fail until the returned function is called, by renaming the mock's tables. */
  async stopCrm(): Promise<() => Promise<void>> {
    if (this.org) {
      this.org.setFaults({ down: true });
      return async () => this.org!.setFaults({});
    }
    await this.query('ALTER SCHEMA mock_crm RENAME TO mock_crm_away');
    return async () => void (await this.query('ALTER SCHEMA mock_crm_away RENAME TO mock_crm'));
  }

  /** Connects to the server directly, not through the proxy. */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<pg.QueryResult<Row>> {
    const client = new pg.Client({
      connectionString: this.postgres.url,
      connectionTimeoutMillis: 15_000,
      query_timeout: 120_000,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query<Row>(text, values);
    } finally {
      await client.end();
    }
  }

  /** The states of leads and stages, for the error message of a stuck trial. */
  async describe(): Promise<string> {
    const { rows: leads } = await this.query(
      `SELECT state, claimed_by IS NOT NULL AS claimed, suspicions, count(*)::int AS n, max(fence)::int AS "lastFence"
       FROM ledger.leads GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    );
    const { rows: stages } = await this.query('SELECT stage, breaker, reason, probe_by, paused_at FROM flow.stages');
    const { rows: fence } = await this.query('SELECT last_value::int AS "lastFence" FROM ledger.fence');
    return JSON.stringify({ leads, stages, fence });
  }

  async count(sql: string, values: unknown[] = []): Promise<number> {
    const { rows } = await this.query<{ n: number }>(sql, values);
    return rows[0]!.n;
  }
}

function portOf(server: EmbeddedServer): number {
  return Number(new URL(server.url).port);
}

let cluster: Promise<string> | undefined;

/** Copies a migrated cluster, made once per run: initdb and the migrations take as long as many a trial. */
async function copyCluster(folder: string): Promise<void> {
  cluster ??= (async () => {
    const template = await mkdtemp(join(tmpdir(), 'revenueflow-chaos-cluster-'));
    process.once('exit', () => rmSync(template, { recursive: true, force: true }));
    await createCluster(template);
    return template;
  })();
  await cp(await cluster, folder, { recursive: true });
}
