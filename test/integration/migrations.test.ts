import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { openPool } from '../../src/platform/database/pool.js';
import { ledgerOn } from '../support/ledger.js';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');
let admin: pg.Client;
let client: pg.Client;
let url: string;
let folder: string;
let name: string;

beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
});
afterAll(() => admin.end());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-migrations-'));
  name = `migrations_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href;
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await rm(folder, { recursive: true, force: true });
});

const write = (file: string, text: string) => writeFile(join(folder, file), text);
const one = async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
  (await client.query<T>(text, values)).rows[0]!;

describe('the migrations of this version', () => {
  it('keep the leads of a ledger that an earlier version wrote', async () => {
    for (const file of await readdir(MIGRATIONS)) if (file < '0010') await cp(join(MIGRATIONS, file), join(folder, file));
    await migrate(url, folder);
    const email = 'ann@acme.com';
    const states = ['received', 'enriched', 'synced', 'dead', 'discarded'];
    for (const state of states) {
      await client.query(
        `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, attributes, state, crm, received_at, content_at)
         VALUES ($1, decode($2, 'hex'), $3, $3, $4, '{"title": "VP"}', $4, CASE WHEN $4 IN ('synced', 'enriched') THEN '{}'::jsonb END, now(), now())`,
        [leadIdOf(email, state), personKeyOf(email), email, state],
      );
      await client.query("INSERT INTO ledger.events (lead_id, seq, kind) VALUES ($1, 1, 'received')", [leadIdOf(email, state)]);
    }
    const before = await client.query('SELECT id, state, attributes, event_seq FROM ledger.leads ORDER BY id');
    const applied = await migrate(url);
    expect(applied.length).toBeGreaterThan(0);
    expect(applied.every((file) => file >= '0010')).toBe(true);
    expect((await client.query('SELECT id, state, attributes, event_seq FROM ledger.leads ORDER BY id')).rows).toEqual(
      before.rows,
    );
    const pool = openPool({ url, max: 3, timeoutMs: 5000, name: 'test' });
    const { intake, openLeads } = ledgerOn(pool);
    // An enriched lead that was in the CRM before does not count as overdue.
    const backlog = await openLeads.backlog(0);
    expect(backlog.map(({ stage, count, overdue }) => [stage, count, overdue]).toSorted()).toEqual([
      ['crm-sync', 1, 0],
      ['enrichment', 1, 1],
    ]);
    for (const state of states) {
      const key = { id: leadIdOf(email, state), personKey: personKeyOf(email), email, emailRaw: email, campaignId: state };
      expect(await intake.accept({ ...key, name: null, attributes: { title: 'CEO' } })).toMatchObject({ outcome: 'updated' });
    }
    await pool.end();
    expect(await migrate(url)).toEqual([]);
  });

  it('leave every index valid, also where a build was interrupted before', async () => {
    for (const file of await readdir(MIGRATIONS)) if (file < '0016') await cp(join(MIGRATIONS, file), join(folder, file));
    await migrate(url, folder);
    await client.query('CREATE INDEX leads_campaign ON ledger.leads (campaign_id)');
    await client.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger.leads_campaign'::regclass");
    await migrate(url);
    expect(await one('SELECT count(*)::int AS n FROM pg_index WHERE NOT indisvalid')).toEqual({ n: 0 });
  });
});

describe('migrate', () => {
  it('applies each file once, whichever of several processes is first', async () => {
    await write('0001_a.sql', 'CREATE TABLE public.a (n int); INSERT INTO public.a VALUES (1)');
    await write(
      '0002_b.sql',
      '-- no transaction\n-- A comment; with a semicolon.\nCREATE INDEX CONCURRENTLY a_n ON public.a (n);\n',
    );
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(url, folder)));
    expect(applied.flat()).toEqual(['0001_a.sql', '0002_b.sql']);
    expect(await one('SELECT count(*)::int AS n FROM public.a')).toEqual({ n: 1 });
  });

  it('keeps the files before one that fails, names it, and repeats it the next time', async () => {
    await write('0001_a.sql', 'CREATE TABLE public.a (n int)');
    await write('0002_b.sql', 'CREATE TABLE public.b (n int); SELECT nothing');
    await expect(migrate(url, folder)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('0002_b.sql is not applied') as string,
    });
    expect(await one("SELECT to_regclass('public.a') IS NOT NULL AS a, to_regclass('public.b') IS NOT NULL AS b")).toEqual({
      a: true,
      b: false,
    });
    await write('0002_b.sql', 'CREATE TABLE public.b (n int)');
    expect(await migrate(url, folder)).toEqual(['0002_b.sql']);
  });

  it('stops waiting for a table lock after a timeout, so that the statements behind it continue', async () => {
    await write('0001_a.sql', 'CREATE TABLE public.a (n int)');
    await migrate(url, folder);
    await write('0002_b.sql', 'ALTER TABLE public.a ADD COLUMN m int');
    await client.query('BEGIN');
    await client.query('LOCK TABLE public.a IN ACCESS SHARE MODE');
    const migrating = migrate(url, folder);
    const waiting = () =>
      one<{ n: number }>("SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'public.a'::regclass");
    const until = async (n: number) => {
      while ((await waiting()).n !== n) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await until(1);
    // An insert queues behind the migration's lock request, so it succeeds only when the migration has stopped waiting.
    const writer = new pg.Client({ connectionString: url });
    await writer.connect();
    await writer.query('INSERT INTO public.a (n) VALUES (1)');
    await writer.end();
    await client.query('COMMIT');
    expect(await migrating).toEqual(['0002_b.sql']);
  });

  it('refuses a schema on which this version cannot run, and changes nothing', async () => {
    await write('0001_a.sql', 'CREATE TABLE public.a (n int)');
    await write('0002_b.sql', 'CREATE TABLE public.b (n int)');
    await write('0003_c.sql', '-- breaks earlier versions\nDROP TABLE public.a');
    await migrate(url, folder);
    await rm(join(folder, '0003_c.sql'));
    await write('0004_d.sql', 'CREATE TABLE public.d (n int)');
    await expect(migrate(url, folder)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/newer than this version .*0003_c\.sql.*Start the newer version/) as string,
    });
    expect(await one("SELECT to_regclass('public.d') AS d")).toEqual({ d: null });
  });

  it('runs on a newer schema that breaks nothing, so that an earlier version can be started again', async () => {
    await write('0001_a.sql', 'CREATE TABLE public.a (n int)');
    await write('0002_b.sql', 'CREATE TABLE public.b (n int)');
    await migrate(url, folder);
    await rm(join(folder, '0002_b.sql'));
    expect(await migrate(url, folder)).toEqual([]);
  });
});
