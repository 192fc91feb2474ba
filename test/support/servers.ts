import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { TEMPLATE } from './template.js';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    /** null where this machine has no redis-server. */
    redisUrl: string | null;
  }
}

/** One PostgreSQL and one Redis a run, on free ports, in a folder of their own; each test file takes its own database. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'revenueflow-test-'));
  const servers: EmbeddedServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '300' };
    const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), settings });
    servers.push(postgres);
    await createTemplate(postgres.url);
    project.provide('postgresUrl', postgres.url);

    const binary = findRedisServer();
    if (!binary && process.env['CI']) throw new Error('CI needs redis-server: apt-get install redis-server');
    const redis = binary
      ? await startEmbeddedRedis({ binary, folder: join(folder, 'redis'), settings: { databases: '2000' } })
      : null;
    if (redis) servers.push(redis);
    project.provide('redisUrl', redis?.url ?? null);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Migrated once; a copy of it takes milliseconds. */
async function createTemplate(url: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  await admin.end();
  const template = new URL(url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
}
