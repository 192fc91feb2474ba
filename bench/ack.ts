import autocannon from 'autocannon';
import Table from 'cli-table3';
import { Redis } from 'ioredis';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cpuMsOf,
  machine,
  median,
  memoryMbOf,
  startServer,
  startService,
  startStores,
  type Server,
  type Stores,
} from './support.js';

export interface AckOptions {
  rounds: number;
  seconds: number;
  connections: number;
  say(line: string): void;
}

interface Run {
  requestsPerSecond: number;
  p50: number;
  p99: number;
  cpuMsPerRequest: number;
  memoryMb: number;
  errors: number;
}

const CANDIDATES = {
  a: { name: 'bare Fastify, keeps nothing', start: () => startServer('bench/servers/bare-fastify.ts', {}) },
  b: {
    name: 'NestJS sample (Express), BullMQ queue.add',
    start: ({ redisUrl }: Stores) => startServer('bench/servers/nest-bullmq.ts', { REDIS_URL: redisUrl, PLATFORM: 'express' }),
  },
  c: { name: 'RevenueFlow AI, ROLE=api', start: (stores: Stores) => startService(stores, { ROLE: 'api' }) },
  d: {
    name: 'ours, one INSERT and one add each',
    start: ({ redisUrl, databaseUrl }: Stores) =>
      startServer('bench/servers/one-by-one.ts', { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl }),
  },
  e: {
    name: 'as (b), on Fastify',
    start: ({ redisUrl }: Stores) => startServer('bench/servers/nest-bullmq.ts', { REDIS_URL: redisUrl, PLATFORM: 'fastify' }),
  },
} as const;
type Letter = keyof typeof CANDIDATES;
const LETTERS = Object.keys(CANDIDATES) as Letter[];

/** The four servers take turns under the same load, in one run, so that a noisy machine disturbs all of them alike. */
export async function benchAck(options: AckOptions) {
  const stores = await startStores();
  const servers = new Map<Letter, Server>();
  try {
    for (const letter of LETTERS) servers.set(letter, await CANDIDATES[letter].start(stores));
    const runs = new Map<Letter, Run[]>(LETTERS.map((letter) => [letter, []]));
    // The first round warms the compilers up and does not count.
    for (let round = 0; round <= options.rounds; round++) {
      for (const letter of LETTERS) {
        const run = await measure(
          servers.get(letter)!,
          round === 0 ? 2 : options.seconds,
          options.connections,
          `${letter}${round}`,
        );
        if (round > 0) runs.get(letter)!.push(run);
        options.say(
          `round ${round}/${options.rounds} (${letter}) ${Math.round(run.requestsPerSecond)} requests/s, p99 ${run.p99} ms`,
        );
      }
    }
    await sleep(1000);
    const { committed, enqueued } = await countOurs(stores);
    return report(options, runs, committed, enqueued);
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await stores.stop();
  }
}

async function measure(server: Server, seconds: number, connections: number, tag: string): Promise<Run> {
  const cpuBefore = await cpuMsOf(server.pid);
  const body = JSON.stringify({
    email: `[<id>]${tag}@enterprise.com`.replaceAll('/', ''),
    name: 'Alex Smith',
    campaign_id: 'launch_2024',
    company: 'Enterprise',
    title: 'VP Sales',
    message: 'Please schedule a demo for our team.',
  });
  const result = await autocannon({
    url: `${server.url}/leads`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    idReplacement: true,
    connections,
    duration: seconds,
  });
  const requests = result['2xx'];
  return {
    requestsPerSecond: requests / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuMsPerRequest: ((await cpuMsOf(server.pid)) - cpuBefore) / requests,
    memoryMb: await memoryMbOf(server.pid),
    errors: result.errors + result.non2xx,
  };
}

/** Both (c) and (d) write to the ledger and to the same queue: each row must have its job. */
async function countOurs({ databaseUrl, redisUrl }: Stores): Promise<{ committed: number; enqueued: number }> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  const { rows } = await sql.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger.leads');
  await sql.end();
  const redis = new Redis(redisUrl);
  const ids = await redis.lrange('{revenueflow}:enrichment:wait', 0, -1);
  let enqueued = 0;
  for (let from = 0; from < ids.length; from += 1000) {
    const reads = ids.slice(from, from + 1000).map((id) => redis.hget(`{revenueflow}:enrichment:${id}`, 'data'));
    for (const data of await Promise.all(reads)) enqueued += (JSON.parse(data!) as { leads: unknown[] }).leads.length;
  }
  redis.disconnect();
  return { committed: rows[0]!.n, enqueued };
}

function report(options: AckOptions, runs: Map<Letter, Run[]>, committed: number, enqueued: number) {
  const middle = (letter: Letter, key: keyof Run) => median(runs.get(letter)!.map((run) => run[key]));
  const rows = LETTERS.map((letter) => ({
    letter,
    name: CANDIDATES[letter].name,
    requestsPerSecond: Math.round(middle(letter, 'requestsPerSecond')),
    p50Ms: middle(letter, 'p50'),
    p99Ms: middle(letter, 'p99'),
    cpuMsPerRequest: Number(middle(letter, 'cpuMsPerRequest').toFixed(3)),
    memoryMb: middle(letter, 'memoryMb'),
    errors: runs.get(letter)!.reduce((sum, run) => sum + run.errors, 0),
  }));
  const of = (letter: Letter) => rows.find((row) => row.letter === letter)!;
  const ratio = (x: number, y: number) => Number((x / y).toFixed(2));
  return {
    bench: 'ack',
    machine: machine(),
    ...options,
    say: undefined,
    rows,
    ratios: {
      'c/b requests': ratio(of('c').requestsPerSecond, of('b').requestsPerSecond),
      'c/d requests': ratio(of('c').requestsPerSecond, of('d').requestsPerSecond),
      'c/e requests': ratio(of('c').requestsPerSecond, of('e').requestsPerSecond),
      'c/b p99': ratio(of('c').p99Ms, of('b').p99Ms),
      'c/e p99': ratio(of('c').p99Ms, of('e').p99Ms),
    },
    committed,
    notEnqueuedAfterOneSecond: committed - enqueued,
  };
}

export function printAck(result: Awaited<ReturnType<typeof benchAck>>): void {
  const table = new Table({
    head: ['', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'CPU ms/request', 'RSS MB', 'errors'],
    style: { head: [], border: [] },
  });
  for (const row of result.rows) {
    table.push([
      row.letter,
      row.name,
      row.requestsPerSecond,
      row.p50Ms,
      row.p99Ms,
      row.cpuMsPerRequest,
      row.memoryMb,
      row.errors,
    ]);
  }
  console.log(
    `\n${result.machine}\n${result.connections} connections, medians of ${result.rounds} rounds of ${result.seconds} s\n${table.toString()}`,
  );
  for (const [name, value] of Object.entries(result.ratios)) console.log(`${name}: ${value}`);
  console.log(
    `${result.committed} leads committed by (c) and (d); ${result.notEnqueuedAfterOneSecond} without a job one second after the end`,
  );
}
