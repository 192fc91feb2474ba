import autocannon from 'autocannon';
import Table from 'cli-table3';
import pg from 'pg';
import { machine, median, memoryMbOf, startService, startStores, type Server, type Stores } from './support.js';

export interface GrowthOptions {
  rows: number;
  rounds: number;
  seconds: number;
  connections: number;
  minutes: number;
  say(line: string): void;
}

const FEW = 5000;
const SEED_STEP = 250_000;

/** Acknowledgement time as the ledger grows, and an api's memory over time. */
export async function benchGrowth(options: GrowthOptions) {
  const stores = await startStores();
  try {
    const server = await startService(stores, { ROLE: 'api' });
    try {
      await measure(server, options, 'warm-up');
      await seed(stores, 0, FEW, options.say);
      const few = await medianOfRounds(server, options, 'few');
      await seed(stores, FEW, options.rows, options.say);
      const many = await medianOfRounds(server, options, 'many');
      const memoryMb = await memoryOverTime(server, options);
      return {
        bench: 'growth',
        machine: machine(),
        ...options,
        say: undefined,
        p50Ms: { [FEW]: few, [options.rows]: many },
        ratio: Number((many / few).toFixed(2)),
        memoryMb,
      };
    } finally {
      await server.stop();
    }
  } finally {
    await stores.stop();
  }
}

async function medianOfRounds(server: Server, options: GrowthOptions, tag: string): Promise<number> {
  const values: number[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const p50 = await measure(server, options, `${tag}${round}`);
    options.say(`${tag}, round ${round}/${options.rounds}: p50 ${p50.toFixed(2)} ms`);
    values.push(p50);
  }
  return Number(median(values).toFixed(2));
}

/** The median of each answer's own time, since autocannon's summary rounds to whole milliseconds. */
async function measure(server: Server, { seconds, connections }: GrowthOptions, tag: string): Promise<number> {
  const times: number[] = [];
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const load = autocannon({ ...leads(server, tag), connections, duration: seconds }, (error: Error | null, outcome) =>
      error ? reject(error) : resolve(outcome),
    );
    load.on('response', (_client, _status, _bytes, ms) => times.push(ms));
  });
  if (result.errors + result.non2xx > 0) throw new Error(`${result.errors + result.non2xx} requests failed`);
  return median(times);
}

/** Memory at the end of each tenth of the time, under a steady load below the machine's limit. */
async function memoryOverTime(server: Server, { minutes, connections, say }: GrowthOptions): Promise<number[]> {
  const samples: number[] = [];
  const parts = minutes > 0 ? 10 : 0;
  for (let part = 1; part <= parts; part++) {
    await autocannon({ ...leads(server, `steady${part}`), connections, duration: minutes * 6 });
    samples.push(await memoryMbOf(server.pid));
    say(`${((minutes * part) / 10).toFixed(1)} of ${minutes} minutes: ${samples.at(-1)} MB`);
  }
  return samples;
}

function leads(server: Server, tag: string) {
  return {
    url: `${server.url}/leads`,
    method: 'POST' as const,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `[<id>]${tag}@enterprise.com`, name: 'Alex Smith', campaign_id: 'growth', title: 'VP Sales' }),
    idReplacement: true,
  };
}

/** Fills the ledger with synced leads and their audit. */
async function seed({ databaseUrl }: Stores, from: number, to: number, say: (line: string) => void): Promise<void> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  for (let start = from; start < to; start += SEED_STEP) {
    const end = Math.min(start + SEED_STEP, to);
    await sql.query(
      `WITH seeded AS (
         INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at)
         SELECT gen_random_uuid(), sha256(n::text::bytea), n || '@seed.com', n || '@seed.com', 'seed', 'synced', now(), now()
         FROM generate_series($1::int, $2::int) n
         RETURNING id
       )
       INSERT INTO ledger.events (lead_id, seq, kind) SELECT id, 1, 'received' FROM seeded`,
      [start, end - 1],
    );
    say(`seeded ${end} of ${to} ledger rows`);
  }
  await sql.query('VACUUM ANALYZE ledger.leads');
  await sql.query('VACUUM ANALYZE ledger.events');
  await sql.query('CHECKPOINT');
  await sql.end();
}

export function printGrowth(result: Awaited<ReturnType<typeof benchGrowth>>): void {
  const table = new Table({ head: ['ledger rows', 'ack p50 ms'], style: { head: [], border: [] } });
  for (const [rows, p50] of Object.entries(result.p50Ms)) table.push([rows, p50]);
  console.log(
    `\n${result.machine}\n${result.connections} connections, medians of ${result.rounds} rounds of ${result.seconds} s`,
  );
  console.log(`${table.toString()}\nratio: ${result.ratio}`);
  if (result.memoryMb.length > 0) {
    console.log(`api memory over ${result.minutes} minutes under full load: ${result.memoryMb.join(', ')} MB`);
  }
}
