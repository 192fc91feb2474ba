import Table from 'cli-table3';
import pg from 'pg';
import { allSynced, openLeads, postLeads, speedToLead } from './leads.js';
import { machine, memoryMbOf, startService, startStores } from './support.js';

export interface BurstOptions {
  base: number;
  seconds: number;
  say(line: string): void;
}

const DRAIN_WITHIN_MS = 300_000;

/**
 * Sends a base rate, then 10 and 50 times that rate, to separate api and worker processes, until all leads are in the
 * CRM.
 */
export async function benchBurst(options: BurstOptions) {
  const stores = await startStores();
  const api = await startService(stores, { ROLE: 'api' });
  const worker = await startService(stores, { ROLE: 'worker' });
  const sql = new pg.Client({ connectionString: stores.databaseUrl });
  await sql.connect();
  try {
    await postLeads(api.url, options.base, 3, 'warm-up');
    const rows = [];
    for (const factor of [1, 10, 50]) {
      const result = await postLeads(api.url, options.base * factor, options.seconds, `burst${factor}`);
      const ended = Date.now();
      const backlog = await openLeads(sql);
      await allSynced(sql, DRAIN_WITHIN_MS);
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
    const speed = await speedToLead(sql, 'burst1');
    return {
      bench: 'burst',
      machine: machine(),
      base: options.base,
      seconds: options.seconds,
      rows,
      speedToLeadAtBaseMs: speed,
      stillOpen: await openLeads(sql),
    };
  } finally {
    await sql.end();
    await Promise.all([api.stop(), worker.stop()]);
    await stores.stop();
  }
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
