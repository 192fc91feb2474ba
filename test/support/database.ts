import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { inject } from 'vitest';
import { TEMPLATE } from './template.js';

/** Creates a migrated database for one test file. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** Creates a Redis database for one test file; null where this machine has no Redis. */
export async function freshRedis(): Promise<{ url: string; flush(): Promise<void> } | null> {
  const base = inject('redisUrl');
  if (base === null) return null;
  const counter = new Redis(base);
  const number = await counter.incr('test-databases');
  counter.disconnect();
  const url = new URL(base);
  url.pathname = `/${number}`;
  return {
    url: url.href,
    async flush() {
      const client = new Redis(url.href);
      await client.flushdb();
      client.disconnect();
    },
  };
}

/** False where this machine has no redis-server. Tests on Redis are skipped then, except in CI, which fails. */
export function hasRedis(): boolean {
  return inject('redisUrl') !== null;
}
