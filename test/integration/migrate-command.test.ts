import { execFile } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { setup as build } from '../support/build.js';

const CLI = join(import.meta.dirname, '../../dist/cli/main.js');
const NAME = 'migrate_command';
let admin: pg.Client;

beforeAll(async () => {
  build();
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${NAME}`);
});
afterAll(async () => {
  await admin.query(`DROP DATABASE ${NAME} WITH (FORCE)`);
  await admin.end();
});

/** Passes the password outside the URL, as a deployment does. */
function migrate(url: URL | null): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env: Record<string, string> = { PATH, HOME, DATABASE_URL: '' };
  if (url) {
    env['PGPASSWORD'] = url.password;
    url.password = '';
    env['DATABASE_URL'] = url.href;
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'migrate'], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

function database(): URL {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${NAME}`;
  return url;
}

it('`ops migrate` brings an empty database up to date, and says so the second time', async () => {
  const first = await migrate(database());
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied 0001_ledger\.sql, /) as string });
  expect(await migrate(database())).toMatchObject({ code: 0, stdout: 'The schema is up to date.\n' });
});

it('`ops migrate` fails where there is no database, and names no password', async () => {
  const gone = database();
  gone.port = '1';
  const { code, stderr } = await migrate(gone);
  expect(code).toBe(1);
  expect(stderr).toMatch(/PostgreSQL does not answer: .*Check DATABASE_URL\./);
  expect(stderr).not.toContain(database().password);
  expect(await migrate(null)).toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL is required') as string });
});
