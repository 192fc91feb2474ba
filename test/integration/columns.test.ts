import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { columns, jsonColumn } from '../../src/platform/database/unnest-columns.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 1, timeoutMs: 5000, name: 'test' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Text that PostgreSQL can store: no NUL, no lone surrogate. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom('', 'NULL', '{}', '\\', '"', '\\"', 'a,b', ' ', '\n', '\u2028'),
  )
  .map((value) => value.replaceAll('\0', '').toWellFormed());
const row = fc.record({
  text: fc.option(text, { nil: null }),
  number: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: null }),
  json: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null))),
});

it('hands PostgreSQL every value as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const answer = await pool.query<{ text: string | null; number: number | null; json: object }>(
        `SELECT i.text, i.number, i.json::json FROM unnest($1::text[], $2::int[], $3::text[]) WITH ORDINALITY AS i (text, number, json, n)
         ORDER BY n`,
        [...columns(rows, ['text', 'number']), jsonColumn(rows, ({ json }) => json)],
      );
      expect(answer.rows).toEqual(rows.map(({ json, ...rest }) => ({ ...rest, json: JSON.parse(JSON.stringify(json)) })));
    }),
    { numRuns: 300 },
  );
});

it('takes no rows for empty columns', async () => {
  const { rows } = await pool.query('SELECT * FROM unnest($1::text[])', columns<{ text: string }, 'text'>([], ['text']));
  expect(rows).toEqual([]);
});
