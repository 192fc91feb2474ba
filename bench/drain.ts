import Table from 'cli-table3';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { LEADS_PER_JOB, newJobIdPrefix } from '../src/domain/lead-jobs.js';
import { loadConfig } from '../src/platform/config/config.js';
import { openQueueBackend } from '../src/queue/queue.module.js';
import { allSynced, postAtRandomTimes, speedToLead, type SpeedToLead } from './leads.js';
import { cpuMsOf, machine, median, memoryMbOf, startService, startStores, type Stores } from './support.js';

export interface DrainOptions {
  leads: number;
  rounds: number;
  say(line: string): void;
}

type Backend = 'redis' | 'postgres';

interface Run {
  perSecond: number;
  cpuMsPerLead: number;
  memoryMb: number;
}

/**
 * How fast one worker process drains a backlog into the mock CRM, compared with BullMQ workers that run two empty
 * jobs per lead; both take turns. Then the speed to lead at 50 leads per second.
 */
export async function benchDrain(options: DrainOptions) {
  const rows = [];
  for (const backend of ['redis', 'postgres'] as const) {
    const stores = await startStores();
    try {
      const ours: Run[] = [];
      const noop: number[] = [];
      for (let round = 0; round <= options.rounds; round++) {
        const run = await drainOurs(stores, backend, options.leads, `round${round}`);
        const baseline = await drainNoop(stores, backend, options.leads);
        options.say(
          `${backend}, round ${round}/${options.rounds}: ours ${Math.round(run.perSecond)} leads/s, no-op chain ${Math.round(baseline)}`,
        );
        if (round === 0) continue; // the first warms the machine up
        ours.push(run);
        noop.push(baseline);
      }
      const speed = await speedAtFifty(stores, backend);
      const of = (key: keyof Run) => median(ours.map((run) => run[key]));
      rows.push({
        backend,
        leadsPerSecond: Math.round(of('perSecond')),
        noopPerSecond: Math.round(median(noop)),
        ratio: Number((of('perSecond') / median(noop)).toFixed(2)),
        cpuMsPerLead: Number(of('cpuMsPerLead').toFixed(2)),
        workerMemoryMb: of('memoryMb'),
        speedToLeadMs: speed,
      });
    } finally {
      await stores.stop();
    }
  }
  return { bench: 'drain', machine: machine(), leads: options.leads, rounds: options.rounds, rows };
}

/** @param env of the worker, beside the usual. */
export async function drainOurs(
  stores: Stores,
  backend: Backend,
  leads: number,
  tag: string,
  env: Record<string, string> = {},
): Promise<Run> {
  const sql = new pg.Client({ connectionString: stores.databaseUrl });
  await sql.connect();
  await fill(stores, backend, sql, leads, tag);
  const worker = await startService(stores, { ROLE: 'worker', QUEUE_BACKEND: backend, ...env });
  try {
    // From the first lead on, so that the start of the process does not count.
    while ((await synced(sql, tag)).count === 0) await sleep(50);
    const cpu = await cpuMsOf(worker.pid);
    await allSynced(sql);
    const { seconds } = await synced(sql, tag);
    const cpuMsPerLead = ((await cpuMsOf(worker.pid)) - cpu) / leads;
    return { perSecond: leads / seconds, cpuMsPerLead, memoryMb: await memoryMbOf(worker.pid) };
  } finally {
    await worker.stop();
    await sql.end();
  }
}

/** Leads as the ingress leaves them: committed, with jobs of full size. */
async function fill(stores: Stores, backend: Backend, sql: pg.Client, leads: number, tag: string): Promise<void> {
  await sql.query(
    `WITH filled AS (
       INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, name, attributes, job_id, received_at, content_at)
       SELECT gen_random_uuid(), sha256(($2 || n)::bytea), $2 || n || '@enterprise.com', $2 || n || '@enterprise.com', $2, 'Alex Smith',
         '{"company": "Enterprise", "title": "VP Sales", "message": "Please schedule a demo for our team."}',
         ($3 || lpad(to_hex(n / $4::int), 12, '0'))::uuid, now(), now()
       FROM generate_series(1, $1::int) n RETURNING id
     )
     INSERT INTO ledger.events (lead_id, seq, kind) SELECT id, 1, 'received' FROM filled`,
    [leads, tag, newJobIdPrefix(), LEADS_PER_JOB],
  );
  const config = loadConfig({ QUEUE_BACKEND: backend }, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
  const opened = await openQueueBackend(config, stores, pino({ level: 'warn' }));
  const { rows } = await sql.query<{ leadId: string; jobId: string }>(
    'SELECT id AS "leadId", job_id AS "jobId" FROM ledger.leads WHERE campaign_id = $1 ORDER BY job_id',
    [tag],
  );
  await opened.queue('enrichment').enqueue(rows.map((row) => ({ ...row, epoch: 1 })));
  await opened.close();
}

async function synced(sql: pg.Client, tag: string): Promise<{ count: number; seconds: number }> {
  const { rows } = await sql.query<{ count: number; seconds: number }>(
    `SELECT count(synced_at)::int AS count, extract(epoch FROM max(synced_at) - min(enriched_at))::float AS seconds
     FROM ledger.leads WHERE campaign_id = $1`,
    [tag],
  );
  return rows[0]!;
}

/** @returns chains per second. */
async function drainNoop({ databaseUrl, redisUrl }: Stores, backend: Backend, count: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'servers/no-op-chain.ts')], {
    env: { ...process.env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, BACKEND: backend, COUNT: String(count) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const took = /DRAINED (\d+)/.exec(output)?.[1];
  if (!took) throw new Error(`The no-op chain ended with ${code}: ${output}`);
  return (count / Number(took)) * 1000;
}

/** @param tag of the campaign. @param env of both processes, beside the usual. */
export async function speedAtFifty(
  stores: Stores,
  backend: Backend,
  tag = 'fifty',
  env: Record<string, string> = {},
): Promise<SpeedToLead> {
  const api = await startService(stores, { ROLE: 'api', QUEUE_BACKEND: backend, ...env });
  const worker = await startService(stores, { ROLE: 'worker', QUEUE_BACKEND: backend, ...env });
  const sql = new pg.Client({ connectionString: stores.databaseUrl });
  await sql.connect();
  try {
    await postAtRandomTimes(api.url, 50, 3, `warmup${tag}`);
    await postAtRandomTimes(api.url, 50, 20, tag);
    await allSynced(sql);
    return await speedToLead(sql, tag);
  } finally {
    await sql.end();
    await Promise.all([api.stop(), worker.stop()]);
  }
}

export function printDrain(result: Awaited<ReturnType<typeof benchDrain>>): void {
  const table = new Table({
    head: [
      'queue on',
      'leads/s',
      'no-op chain/s',
      'ratio',
      'CPU ms/lead',
      'worker MB',
      'speed to lead at 50/s: p50 ms',
      'p95',
      'p99',
    ],
    style: { head: [], border: [] },
  });
  for (const { backend, leadsPerSecond, noopPerSecond, ratio, cpuMsPerLead, workerMemoryMb, speedToLeadMs } of result.rows) {
    const { p50, p95, p99 } = speedToLeadMs;
    table.push([backend, leadsPerSecond, noopPerSecond, ratio, cpuMsPerLead, workerMemoryMb, p50, p95, p99]);
  }
  console.log(
    `\n${result.machine}\none worker process, ${result.leads} leads, medians of ${result.rounds} rounds\n${table.toString()}`,
  );
}
