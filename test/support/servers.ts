import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { createCluster } from './cluster.js';
import { TEMPLATE } from './template.js';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    /** Null where this machine has no redis-server. */
    redisUrl: string | null;
    /**
     * A stopped cluster with a migrated database. A test that needs its own PostgreSQL copies it, since initdb takes
     * seconds.
     */
    clusterFolder: string;
  }
}

interface Servers {
  postgresUrl: string;
  redisUrl: string | null;
  clusterFolder: string;
  stop(): Promise<void>;
}

/** Vitest loads this file once per project, so shared state is on globalThis. */
const shared = globalThis as { [SHARED]?: { servers: Promise<Servers>; users: number } };
const SHARED = Symbol.for('revenueflow.test-servers');

/** One PostgreSQL and one Redis per run, on free ports and in their own folder. Each test file has its own database. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = (shared[SHARED] ??= { servers: startServers(), users: 0 });
  run.users++;
  const servers = await run.servers;
  project.provide('postgresUrl', servers.postgresUrl);
  project.provide('redisUrl', servers.redisUrl);
  project.provide('clusterFolder', servers.clusterFolder);
  return async () => {
    if (--run.users > 0) return;
    delete shared[SHARED];
    await servers.stop();
  };
}

async function startServers(): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'revenueflow-test-'));
  const running: EmbeddedServer[] = [];
  // An interrupted run has no teardown.
  const kill = () => running.forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await Promise.all(running.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const binary = findRedisServer();
    if (!binary && process.env['CI']) throw new Error('CI needs redis-server: apt-get install redis-server');
    const clusterFolder = join(folder, 'cluster');
    const startRedis = async (path: string) => {
      const redis = await startEmbeddedRedis({ binary: path, folder: join(folder, 'redis'), settings: { databases: '2000' } });
      running.push(redis);
      return redis.url;
    };
    const [redisUrl] = await Promise.all([binary ? startRedis(binary) : null, createCluster(clusterFolder)]);
    await cp(clusterFolder, join(folder, 'postgres'), { recursive: true });
    const settings = {
      fsync: 'off',
      full_page_writes: 'off',
      wal_level: 'minimal',
      max_wal_senders: '0',
      max_connections: '300',
    };
    const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), settings });
    running.push(postgres);
    await createTemplate(postgres.url);
    return { postgresUrl: postgres.url, redisUrl, clusterFolder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A migrated database that is copied within milliseconds. */
async function createTemplate(url: string): Promise<void> {
  const admin = new URL(url);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE} TEMPLATE ${new URL(url).pathname.slice(1)}`);
  await client.end();
}
