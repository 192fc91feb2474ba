import autocannon from 'autocannon';
import Table from 'cli-table3';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { machine, memoryMbOf, startService, startStores } from './support.js';

export interface BurstOptions {
  base: number;
  seconds: number;
  say(line: string): void;
}

const DRAIN_WITHIN_MS = 300_000;

/** Holds a base rate, then 10 and 50 times of it, with api and worker as processes of their own, until all is in the CRM. */
export async function benchBurst(options: BurstOptions) {
  const stores = await startStores();
  const api = await startService(stores, { ROLE: 'api' });
  const worker = await startService(stores, { ROLE: 'worker' });
  const sql = new pg.Client({ connectionString: stores.databaseUrl });
  await sql.connect();
  try {
    await load(api.url, options.base, 3, 'warm-up');
    const rows = [];
    for (const factor of [1, 10, 50]) {
      const result = await load(api.url, options.base * factor, options.seconds, `burst${factor}`);
      const ended = Date.now();
      const backlog = await openLeads(sql);
      while ((await openLeads(sql)) > 0 && Date.now() - ended < DRAIN_WITHIN_MS) await sleep(50);
      rows.push({
        factor,
        requestsPerSecond: Math.round(result['2xx'] / result.duration),
        p50Ms: result.latency.p50,
        p99Ms: result.latency.p99,
        maxMs: result.latency.max,
        errors: result.errors + result.non2xx,
        backlogAtEnd: backlog,
        drainedAfterSeconds: Number(((Date.now() - ended) / 1000).toFixed(1)),
        apiMemoryMb: await memoryMbOf(api.pid),
        workerMemoryMb: await memoryMbOf(worker.pid),
      });
      options.say(`${factor} × ${options.base}/s done`);
    }
    const { rows: speed } = await sql.query<Record<string, number>>(
      `SELECT count(*)::int AS leads, ${[50, 95, 99].map((p) => `round((extract(epoch FROM percentile_cont(${p / 100}) WITHIN GROUP (ORDER BY synced_at - content_at)) * 1000)::numeric)::int AS p${p}`).join(', ')}
       FROM ledger.leads WHERE campaign_id = 'burst1'`,
    );
    return {
      bench: 'burst',
      machine: machine(),
      base: options.base,
      seconds: options.seconds,
      rows,
      speedToLeadAtBaseMs: speed[0],
      stillOpen: await openLeads(sql),
    };
  } finally {
    await sql.end();
    await Promise.all([api.stop(), worker.stop()]);
    await stores.stop();
  }
}

function load(url: string, rate: number, seconds: number, campaign: string) {
  const body = JSON.stringify({
    email: `[<id>]@${campaign}.com`.replaceAll('/', ''),
    name: 'Alex Smith',
    campaign_id: campaign,
    title: 'VP Sales',
  });
  return autocannon({
    url: `${url}/leads`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    idReplacement: true,
    connections: Math.min(64, Math.max(4, rate / 20)),
    overallRate: rate,
    duration: seconds,
  });
}

async function openLeads(sql: pg.Client): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM ledger.leads WHERE state IN ('received', 'enriched')",
  );
  return rows[0]!.n;
}

export function printBurst(result: Awaited<ReturnType<typeof benchBurst>>): void {
  const table = new Table({
    head: [
      'load',
      'requests/s',
      'ack p50 ms',
      'p99 ms',
      'max ms',
      'errors',
      'backlog at end',
      'drained after s',
      'api MB',
      'worker MB',
    ],
    style: { head: [], border: [] },
  });
  for (const row of result.rows) {
    table.push([
      `${row.factor} × ${result.base}/s`,
      row.requestsPerSecond,
      row.p50Ms,
      row.p99Ms,
      row.maxMs,
      row.errors,
      row.backlogAtEnd,
      row.drainedAfterSeconds,
      row.apiMemoryMb,
      row.workerMemoryMb,
    ]);
  }
  const { leads, p50, p95, p99 } = result.speedToLeadAtBaseMs!;
  console.log(`\n${result.machine}\napi, worker, stores and load on this machine, ${result.seconds} s each\n${table.toString()}`);
  console.log(
    `speed to lead at ${result.base}/s over ${leads} leads: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms; ${result.stillOpen} leads still open`,
  );
}
