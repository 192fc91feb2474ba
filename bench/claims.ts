import Table from 'cli-table3';
import pg from 'pg';
import { migrate } from '../src/platform/database/migrate.js';
import { openPool, type Pool } from '../src/platform/database/pool.js';
import { ClaimsRepository } from '../src/ledger/claims.repository.js';
import { Database } from '../src/platform/database/database.js';
import { LEADS_PER_JOB } from '../src/domain/lead-jobs.js';
import { machine, startStores } from './support.js';

export interface ClaimsOptions {
  /** Open leads of the large ledger. */
  open: number;
  batches: number;
  say(line: string): void;
}

const STAGES = [
  ['enrichment', 'received', 'claimForEnrichment'],
  ['crm-sync', 'enriched', 'claimForSync'],
] as const;
const WARM_UP = 20;
const SEED_STEP = 100_000;

/** The claims of a batch in a ledger with many open leads, and in one that has only those, taking turns. */
export async function benchClaims({ open, batches, say }: ClaimsOptions) {
  const stores = await startStores();
  const url = new URL(stores.databaseUrl);
  url.pathname = '/few';
  const pools: Pool[] = [];
  try {
    await run(stores.databaseUrl, 'CREATE DATABASE few');
    await migrate(url.href);
    const claimed = (batches + WARM_UP) * LEADS_PER_JOB;
    const ledgers = [];
    for (const [name, databaseUrl, leads] of [
      ['few', url.href, claimed],
      ['many', stores.databaseUrl, Math.max(claimed, open / STAGES.length)],
    ] as const) {
      for (const [, state] of STAGES) await seed(databaseUrl, leads, state, say);
      await run(databaseUrl, 'VACUUM ANALYZE ledger.leads');
      const pool = openPool({ url: databaseUrl, max: 2, timeoutMs: 60_000, name: 'bench', replan: true });
      pools.push(pool);
      ledgers.push({ name, pool, claims: new ClaimsRepository(new Database(pool), 'bench') });
    }
    const rows = [];
    for (const [stage, state, method] of STAGES) {
      const times: Record<'few' | 'many', number[]> = { few: [], many: [] };
      const leads = { few: await oldest(ledgers[0]!.pool, state, claimed), many: await oldest(ledgers[1]!.pool, state, claimed) };
      for (let batch = 0; batch < batches + WARM_UP; batch++) {
        for (const { name, claims } of batch % 2 === 0 ? ledgers : ledgers.toReversed()) {
          const ids = leads[name].slice(batch * LEADS_PER_JOB, (batch + 1) * LEADS_PER_JOB);
          const began = performance.now();
          await Promise.all(ids.map((leadId) => claims[method]({ leadId, epoch: 1 })));
          if (batch >= WARM_UP) times[name].push(performance.now() - began);
        }
      }
      rows.push({ stage, few: percentiles(times.few), many: percentiles(times.many) });
      say(JSON.stringify(rows.at(-1)));
    }
    return { bench: 'claims', machine: machine(), open, batches, rows };
  } finally {
    for (const pool of pools) await pool.end();
    await stores.stop();
  }
}

async function run(databaseUrl: string, statement: string, values?: unknown[]): Promise<void> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  await sql.query(statement, values).finally(() => sql.end());
}

/** In the order in which they are stored, as the leads of one job are. */
async function oldest(pool: Pool, state: string, count: number): Promise<string[]> {
  const text = 'SELECT id FROM ledger.leads WHERE state = $1 ORDER BY ctid LIMIT $2';
  return (await pool.query<{ id: string }>(text, [state, count])).rows.map(({ id }) => id);
}

async function seed(databaseUrl: string, count: number, state: string, say: (line: string) => void): Promise<void> {
  for (let from = 0; from < count; from += SEED_STEP) {
    const to = Math.min(from + SEED_STEP, count);
    await run(
      databaseUrl,
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, name, attributes, state, enrichment, received_at, content_at)
       SELECT gen_random_uuid(), sha256(($3 || n)::bytea), $3 || n || '@seed.com', $3 || n || '@seed.com', 'seed' || n % 10, 'Alex Smith',
         '{"title": "VP Sales", "company": "Enterprise"}', $3, '{"fitScore": 50, "intent": "low", "evidence": []}', now(), now()
       FROM generate_series($1::int, $2::int) n`,
      [from + 1, to, state],
    );
    say(`${to} of ${count} leads are ${state}`);
  }
}

function percentiles(times: number[]): { p50: number; p99: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Number(sorted[Math.floor(sorted.length * share)]!.toFixed(1));
  return { p50: at(0.5), p99: at(0.99) };
}

export function printClaims({ rows, open, batches, ...result }: Awaited<ReturnType<typeof benchClaims>>): void {
  const table = new Table({
    head: ['claims of 100 for', 'few open: p50 ms', 'p99', `${open} open: p50 ms`, 'p99', 'ratio of p99'],
    style: { head: [], border: [] },
  });
  for (const { stage, few, many } of rows)
    table.push([stage, few.p50, few.p99, many.p50, many.p99, (many.p99 / few.p99).toFixed(2)]);
  console.log(`\n${result.machine}\n${batches} batches in each ledger, taking turns\n${table.toString()}`);
}
