import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { ledgerOn } from '../support/ledger.js';

/** Leads that came in since the statements were first planned, and since PostgreSQL last analyzed the table. */
const LEADS = 20_000;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 1, timeoutMs: 60_000, name: 'test', replan: true });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

it.each([
  ['claim-for-enrichment', 'claimForEnrichment', 'received', "'worker', false"],
  ['claim-for-sync', 'claimForSync', 'enriched', "'worker', false"],
] as const)('%s reads the leads of its batch alone in a burst on a new installation', async (name, method, state, rest) => {
  const { claims } = ledgerOn(pool);
  await pool.query('ALTER TABLE ledger.leads SET (autovacuum_enabled = false)');
  const added = async (count: number) => {
    const { rows } = await pool.query<{ id: string }>(
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, enrichment, received_at, content_at)
       SELECT gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'e', 'e', 'c', $2, '{}', now(), now()
       FROM generate_series(1, $1::int) RETURNING id`,
      [count, state],
    );
    return rows.map(({ id }) => id);
  };
  // PostgreSQL may keep a plan from the sixth execution on.
  for (const leadId of await added(8)) await claims[method]({ leadId, epoch: 1 });
  const ids = (await added(LEADS)).slice(0, 100);
  const epochs = ids.map(() => 1);
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "${name}"('{${ids.join()}}', '{${epochs.join()}}', ${rest})`,
  );
  const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = rows[0]!['QUERY PLAN'][0].Plan as Record<string, number>;
  expect(hit! + read!).toBeLessThan(6000);
});

it('compiles no statement of which PostgreSQL expects too much', async () => {
  const ten = 'generate_series(1, (SELECT 10))'; // PostgreSQL expects 1,000
  const { rows } = await pool.query<{ 'QUERY PLAN': [object] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM ${ten} a, ${ten} b, ${ten} c`,
  );
  expect(rows[0]!['QUERY PLAN'][0]).not.toHaveProperty('JIT');
});
