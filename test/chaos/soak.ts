import Table from 'cli-table3';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { judge } from './invariants.js';
import { startLoad } from './load.js';
import type { Random } from './random.js';
import { SCENARIOS } from './scenarios/index.js';
import { World } from './world.js';

/** Faults that do not affect the load or the first worker, whose memory is watched. */
const FAULTS = [
  'api-kill',
  'worker-kill',
  'sigterm',
  'redis-wipe',
  'redis-down',
  'redis-freeze',
  'postgres-kill',
  'postgres-freeze',
  'network-slow',
  'network-drop',
  'network-half-open',
];
/** About fifty leads a second: what the machine can drain between the faults. */
const PAUSE_AT_MOST_MS = 700;
const BETWEEN_FAULTS_MS = [1000, 8000] as const;

export interface SoakReport {
  minutes: number;
  faults: Record<string, number>;
  sent: number;
  acked: number;
  unavailable: number;
  lost: number;
  doubled: number;
  violations: string[];
  samples: { minute: number; workerMb: number; apiMb: number; redisMb: number; redisKeys: number; leads: number; open: number }[];
}

/** Load without a break, a fault every few seconds, and at the end the same invariants as after each trial. */
export async function soak(minutes: number, random: Random, progress: (line: string) => void): Promise<SoakReport> {
  const world = await World.start();
  const report: SoakReport = {
    minutes,
    faults: {},
    sent: 0,
    acked: 0,
    unavailable: 0,
    lost: 0,
    doubled: 0,
    violations: [],
    samples: [],
  };
  try {
    const witness = await world.addWorker();
    const load = startLoad(world, random, 'soak', PAUSE_AT_MOST_MS);
    const end = Date.now() + minutes * 60_000;
    let nextSample = Date.now() + 60_000;
    for (let number = 1; Date.now() < end; number++) {
      await sleep(random.between(...BETWEEN_FAULTS_MS));
      const name = FAULTS[random.below(FAULTS.length)]!;
      report.faults[name] = (report.faults[name] ?? 0) + 1;
      progress(
        `${Math.round((end - Date.now()) / 1000)} s left, fault ${number}: ${name}, ${report.violations.length} violations`,
      );
      await SCENARIOS[name]!.fault({ world, random, number, load, full: false, note: progress }).catch((error: unknown) => {
        report.violations.push(`fault ${number}, ${name}: ${String(error)}`);
      });
      if (Date.now() < nextSample) continue;
      nextSample = Date.now() + 60_000;
      report.samples.push(await sample(world, witness.child.pid!, report.samples.length + 1));
    }
    const told = await load.stop();
    const verdict = await judge(world, told);
    report.sent = told.sent;
    report.acked = told.acked.size;
    report.unavailable = told.unavailable;
    report.lost = verdict.lost;
    report.doubled = verdict.doubled;
    report.violations.push(...verdict.violations);
    if (witness.child.exitCode !== null) report.violations.push(`the worker left in peace ended with ${witness.child.exitCode}`);
    report.samples.push(await sample(world, witness.child.pid!, report.samples.length + 1));
    return report;
  } finally {
    await world.stop();
  }
}

async function sample(world: World, workerPid: number, minute: number): Promise<SoakReport['samples'][number]> {
  const redis = new Redis(world.redis.url, { maxRetriesPerRequest: 2 });
  try {
    const info = await redis.info('memory');
    return {
      minute,
      workerMb: memoryMbOf(workerPid),
      apiMb: memoryMbOf(world.api.child.pid!),
      redisMb: Math.round(Number(/used_memory:(\d+)/.exec(info)![1]) / 2 ** 20),
      redisKeys: await redis.dbsize(),
      leads: await world.count('SELECT count(*)::int AS n FROM ledger.leads'),
      open: await world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE state IN ('received', 'enriched')"),
    };
  } finally {
    redis.disconnect();
  }
}

function memoryMbOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}

export function printSoak(report: SoakReport): void {
  const { minutes, faults, sent, acked, unavailable, lost, doubled, violations, samples } = report;
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  console.log(
    `\n${minutes} minutes, ${total} faults: ${Object.entries(faults)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  );
  console.log(`${sent} sent, ${acked} leads acked, ${unavailable} answered 503, ${lost} lost, ${doubled} doubled`);
  const table = new Table({
    head: ['minute', 'worker MB', 'api MB', 'Redis MB', 'Redis keys', 'leads', 'open'],
    style: { head: [], border: [], compact: true },
  });
  for (const row of samples) {
    table.push([row.minute, row.workerMb, row.apiMb, row.redisMb, row.redisKeys, row.leads, row.open]);
  }
  console.log(table.toString());
  for (const violation of violations) console.log(violation);
}
