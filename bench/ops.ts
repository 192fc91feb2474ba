import { execFile } from 'node:child_process';
import { join } from 'node:path';
import Table from 'cli-table3';
import pg from 'pg';
import { machine, median, startService, startStores, type Server, type Stores } from './support.js';

export interface OpsOptions {
  rows: number;
  /** Leads that are open and have never been in the CRM; the others are synced. */
  open: number;
  rounds: number;
  say(line: string): void;
}

const CLI = join(import.meta.dirname, '../dist/cli/main.js');
const DEAD = 2000;
const SEED_STEP = 100_000;

const HTML = { accept: 'text/html' };
/** What Prometheus and a browser ask for again and again. */
const PATHS = [
  '/metrics',
  '/ops/sla',
  '/ops/queues',
  '/console',
  '/console/leads',
  '/console/leads?state=dead',
  '/console/leads?q=enterprise&minScore=60',
  '/console/dead-letters',
  '/console/rejections',
  '/console/stages',
  '/console/sla',
  '/console/audit',
];

/**
 * The duration of each operator command and page with a large ledger. For a command it includes the start of Node.
 */
export async function benchOps(options: OpsOptions) {
  const stores = await startStores();
  try {
    const server = await startService(stores, { ROLE: 'api' });
    try {
      const lead = await seed(stores, options);
      const rows = [];
      for (const command of commandsOn(lead)) {
        const times: number[] = [];
        for (let round = 0; round < options.rounds; round++) times.push(await timed(server, command));
        rows.push({ command: `ops ${command.join(' ').replace(lead, '<id>')}`, ms: Math.round(median(times)) });
        options.say(`${rows.at(-1)!.command}: ${rows.at(-1)!.ms} ms`);
      }
      const pages = [];
      for (const path of PATHS) {
        const answers = [];
        for (let round = 0; round < options.rounds; round++) answers.push(await page(`${server.url}${path}`));
        const ms = median(answers.map((answer) => answer.ms));
        const kilobytes = Math.ceil(answers[0]!.bytes / 1000);
        pages.push({ path, ms: Math.round(ms), firstMs: Math.round(answers[0]!.ms), kilobytes });
        options.say(`${path}: ${Math.round(ms)} ms, ${kilobytes} kB`);
      }
      const { rounds, open } = options;
      return { bench: 'ops', machine: machine(), rows: options.rows, open, commands: rows, pages, rounds };
    } finally {
      await server.stop();
    }
  } finally {
    await stores.stop();
  }
}

function commandsOn(lead: string): string[][] {
  return [
    ['--help'],
    ['leads'],
    ['leads', '--state', 'dead'],
    ['leads', '--state', 'received'],
    ['leads', '--campaign', 'seed7'],
    ['lead', lead],
    ['lead', '500000@seed.com'],
    ['dlq', 'list'],
    ['dlq', 'list', '--each'],
    ['queues'],
    ['rejections'],
    ['sla'],
    ['person', 'export', '500000@seed.com'],
  ];
}

async function page(url: string): Promise<{ ms: number; bytes: number }> {
  const began = performance.now();
  const answer = await fetch(url, { headers: HTML });
  const body = await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${Buffer.from(body).toString().slice(0, 500)}`);
  return { ms: performance.now() - began, bytes: body.byteLength };
}

function timed(server: Server, args: string[]): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [CLI, ...args],
      { env: { ...process.env, REVENUEFLOW_URL: server.url } },
      (error, _stdout, stderr) => {
        if (error) reject(new Error(`ops ${args.join(' ')} failed: ${stderr}`));
        else resolve(performance.now() - began);
      },
    );
  });
}

/** Synced leads of the last year in ten campaigns, with their audit, and dead letters. @returns the id of one. */
async function seed({ databaseUrl }: Stores, { rows, open, say }: OpsOptions): Promise<string> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  try {
    for (let start = 0; start < rows; start += SEED_STEP) {
      await sql.query(
        `WITH seeded AS (
           INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, name, attributes, state, enrichment, crm, last_error,
             received_at, content_at, enriched_at, synced_at, died_at, first_enriched_at, first_synced_at)
           SELECT gen_random_uuid(), sha256((n || '@seed.com')::bytea), n || '@seed.com', n || '@seed.com', 'seed' || n % 10, 'Alex Smith',
             '{"title": "VP Sales", "company": "Enterprise"}', CASE WHEN n < $3 THEN 'dead' WHEN n < $5 THEN 'enriched' ELSE 'synced' END,
             '{"fitScore": 50, "intent": "low", "confidence": 0.5, "evidence": [], "reasoning": "", "scoreSource": "heuristic",
               "needsRescore": false, "flags": [], "provider": "heuristic", "scorerVersion": "seed"}',
             CASE WHEN n >= $5 THEN '{"provider": "postgres", "leadId": "l", "memberId": "m"}'::jsonb END,
             CASE WHEN n < $3 THEN '{"stage": "crm-sync", "code": "CRM_RECORD_REJECTED", "class": "permanent", "message": "seeded", "at": "2026-01-01T00:00:00Z"}'::jsonb END,
             at, at, at, CASE WHEN n >= $5 THEN at END, CASE WHEN n < $3 THEN at END, at, CASE WHEN n >= $5 THEN at END
           FROM generate_series($1::int, $2::int) n, LATERAL (SELECT now() - n * (interval '365 days' / $4::int) AS at) t
           RETURNING id, received_at
         )
         INSERT INTO ledger.events (lead_id, seq, kind, at) SELECT id, 1, 'received', received_at FROM seeded`,
        [start, Math.min(start + SEED_STEP, rows) - 1, DEAD, rows, DEAD + open],
      );
      say(`seeded ${Math.min(start + SEED_STEP, rows)} of ${rows} leads`);
    }
    await sql.query('VACUUM ANALYZE ledger.leads');
    await sql.query('VACUUM ANALYZE ledger.events');
    const found = await sql.query<{ id: string }>(`SELECT id FROM ledger.leads WHERE email = '500000@seed.com' LIMIT 1`);
    return found.rows[0]!.id;
  } finally {
    await sql.end();
  }
}

export function printOps(result: Awaited<ReturnType<typeof benchOps>>): void {
  const table = new Table({ head: ['command', 'ms'], style: { head: [], border: [], compact: true } });
  for (const { command, ms } of result.commands) table.push([command, ms]);
  console.log(
    `\n${result.machine}\n${result.rows} leads in the ledger, medians of ${result.rounds}; Node's own start is the first line`,
  );
  console.log(table.toString());
  const pages = new Table({ head: ['page', 'ms', 'first ms', 'kB'], style: { head: [], border: [], compact: true } });
  for (const { path, ms, firstMs, kilobytes } of result.pages) pages.push([path, ms, firstMs, kilobytes]);
  console.log(`${result.open} of the leads are open`);
  console.log(pages.toString());
}
