import autocannon from 'autocannon';
import { machine } from '../../bench/support.js';
import type { Calibration, WorkerCalibration } from '../calibration.js';
import type { ProcessCost } from '../engine/process.js';
import { Sample } from '../engine/sample.js';
import { run } from '../model/run.js';
import { yardstick } from './cpu.js';
import { scenarioOf, testBedOf, type Trial } from './settings.js';
import { WARM_UP } from './settings.js';
import { TestBed, type Idle, type Measured } from './test-bed.js';

/** Few enough that hardly a lead meets another. */
const QUIET = [{ seconds: 5, perSecond: 30 }];
const CONNECTIONS = 32;
const IDLE_SECONDS = 2;
const NOTHING = [0, 0];

const TRIALS: Record<'local' | 'remote', Trial & { backlog: number }> = {
  local: { name: 'heuristic and mock CRM', load: QUIET, remote: null, backlog: 2500 },
  remote: {
    name: 'a model and Salesforce that answer at once',
    load: QUIET,
    remote: { aiP50Ms: 0, aiP95Ms: 0, aiPerSecond: 1000, aiConcurrency: 100, crmMs: 0, crmPerSecond: 200 },
    backlog: 400,
  },
};

/** Costs of one round, with the times that were measured; the residuals are found when the costs are. */
interface Round {
  commitMs: number;
  yardstickMs: number;
  competing: number;
  ack: number[];
  api: Costs;
  worker: Record<'local' | 'remote', WorkerRound>;
}
/** Of one role: its own CPU, and that of the stores for it. */
type Costs = Record<'cpu' | 'postgres' | 'redis', ProcessCost>;
interface WorkerRound extends Costs {
  loadMsPerRequest: number;
  enrichment: number[];
  'crm-sync': number[];
}

/** Measures the service on this machine, at little and at full load, round by round; medians count. */
export async function calibrate(rounds: number, say: (line: string) => void): Promise<Calibration> {
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const { api, ...rest } = await roundOfApi(round);
    const local = await roundOfWorker('local', round, api);
    const remote = await roundOfWorker('remote', round, api);
    measured.push({ api, ...rest, worker: { local, remote } });
    const cpu = (cost: ProcessCost) => `${cost.perItemMs.toFixed(2)} + ${cost.perBatchMs.toFixed(2)} ms`;
    say(
      `round ${round}/${rounds}: CPU a lead of the api ${cpu(api.cpu)}, of the worker ${cpu(local.cpu)}, with model and Salesforce ${cpu(remote.cpu)}; ` +
        `${rest.competing.toFixed(1)} threads of others competed`,
    );
  }
  return { ...withResiduals(medians(measured)), rounds };
}

async function roundOfApi(round: number) {
  const testBed = await TestBed.start({ fakes: null, worker: false });
  try {
    await testBed.measure(WARM_UP, round);
    const commitMs = await testBed.commitMs();
    const idle = await testBed.idle(IDLE_SECONDS);
    const before = await yardstick();
    const quiet = await testBed.measure(QUIET, round);
    const full = await fullLoad(testBed);
    const cost = (of: keyof typeof full) => costOf(aloneOf(quiet, idle, of), full[of], idle[of]);
    return {
      commitMs,
      yardstickMs: before.cpuMs,
      competing: before.competing,
      ack: quiet.acks.table(),
      api: { cpu: cost('api'), postgres: cost('postgres'), redis: cost('redis') },
    };
  } finally {
    await testBed.stop();
  }
}

/** As many acks as the api can give. @returns CPU of each, in milliseconds. */
async function fullLoad(testBed: TestBed) {
  const before = await testBed.cpu();
  const body = '{"email": "[<id>]@enterprise.com", "campaign_id": "full", "name": "Alex Smith", "title": "VP Sales"}';
  const result = await autocannon({
    url: `${testBed.api.url}/leads`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    idReplacement: true,
    connections: CONNECTIONS,
    duration: 2,
  });
  const after = await testBed.cpu();
  const each = (who: keyof typeof after) => (after[who] - before[who]) / result['2xx'];
  return { api: each('api'), postgres: each('postgres'), redis: each('redis') };
}

async function roundOfWorker(kind: 'local' | 'remote', round: number, api: Costs): Promise<WorkerRound> {
  const { backlog, ...trial } = TRIALS[kind];
  const testBed = await TestBed.start(testBedOf(trial));
  try {
    await testBed.measure(WARM_UP, round);
    const idle = await testBed.idle(IDLE_SECONDS);
    const quiet = await testBed.measure(trial.load, round);
    const full = await testBed.drain(backlog);
    // The acks' part of it is known.
    const ofStore = (store: 'postgres' | 'redis') => {
      const forAck = api[store].perBatchMs + api[store].perItemMs;
      const idleForWorker = Math.max(0, idle[store] - api[store].idleMsPerSecond);
      return costOf(aloneOf(quiet, idle, store) - forAck, full.cpu[store], idleForWorker);
    };
    return {
      loadMsPerRequest: full.cpu.load,
      cpu: costOf(aloneOf(quiet, idle, 'worker'), full.cpu.worker, idle.worker),
      postgres: ofStore('postgres'),
      redis: ofStore('redis'),
      ...stagesOf(quiet),
    };
  } finally {
    await testBed.stop();
  }
}

/** CPU time of a lead that hardly meets another, beyond what is used while nothing comes. */
function aloneOf({ cpu, seconds, leads }: Measured, idle: Idle, who: keyof Idle): number {
  return (cpu[who] - idle[who] * seconds) / leads;
}

function stagesOf({ enrichment, crmSync }: Measured) {
  return { enrichment: enrichment.table(), 'crm-sync': crmSync.table() };
}

/** What a lead costs alone is one of it and one of the turn; what it costs in a crowd is nearly one of it alone. */
function costOf(alone: number, crowded: number, idleMsPerSecond: number): ProcessCost {
  return { perBatchMs: Math.max(0, alone - crowded), perItemMs: crowded, idleMsPerSecond };
}

/** The median of each figure, and of each place of the tables. */
function medians<T>(rounds: T[]): T {
  const [first] = rounds;
  if (typeof first === 'number') return Sample.of(rounds as number[]).quantile(0.5) as T;
  if (Array.isArray(first)) return first.map((_, place) => medians((rounds as unknown[][]).map((row) => row[place]))) as T;
  const keys = Object.keys(first as object) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, medians(rounds.map((round) => round[key]))])) as T;
}

/** Simulates the quiet load with the costs alone; the residual is what was measured beyond that, at each quantile. */
function withResiduals({ ack, worker, ...round }: Round): Calibration {
  const bare = (kind: 'local' | 'remote') => ({ ...worker[kind], hops: { enrichment: NOTHING, 'crm-sync': NOTHING } });
  const known: Calibration = {
    _about: 'Made by `npm run simulate -- calibrate`, on the machine that it names. Do not edit.',
    machine: machine(),
    measuredAt: new Date().toISOString().slice(0, 10),
    rounds: 0,
    ...round,
    loadMsPerRequest: worker.local.loadMsPerRequest,
    api: { ...round.api, overhead: NOTHING },
    worker: { local: bare('local'), remote: bare('remote') },
  };
  const hopsOf = (kind: 'local' | 'remote'): WorkerCalibration => {
    const { tables } = run(longer(TRIALS[kind], known.competing), known);
    const { cpu, postgres, redis, enrichment, 'crm-sync': crmSync } = worker[kind];
    const hops = { enrichment: beyond(enrichment, tables.enrichment), 'crm-sync': beyond(crmSync, tables['crm-sync']) };
    return { cpu, postgres, redis, hops };
  };
  const overhead = beyond(ack, run(longer(TRIALS.local, known.competing), known).tables.ack);
  return { ...known, api: { ...known.api, overhead }, worker: { local: hopsOf('local'), remote: hopsOf('remote') } };
}

/** The same rate for long enough that chance hardly matters. */
function longer(trial: Trial, competing: number) {
  return scenarioOf({ ...trial, load: trial.load.map((stretch) => ({ ...stretch, seconds: 300 })) }, 1, competing);
}

/** Quantiles never fall: a random dip is raised. */
function beyond(measured: number[], modelled: number[]): number[] {
  let highest = 0;
  return measured.map((ms, place) => (highest = Math.max(highest, ms - modelled[place]!)));
}
