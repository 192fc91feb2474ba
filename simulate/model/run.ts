import { Draw } from '../engine/draw.js';
import type { Percentiles } from '../engine/sample.js';
import { Timeline } from '../engine/timeline.js';
import type { Calibration } from '../calibration.js';
import { Api } from './api.js';
import { newLead } from './lead.js';
import { arrivals, secondsOf } from './load.js';
import { Machines } from './machines.js';
import type { Scenario } from './scenario.js';
import { Shared } from './shared.js';
import { StageQueue } from './stage-queue.js';
import { usesOf, type Use } from './uses.js';
import { Worker } from './worker.js';

/** How long after the last lead the model waits for the rest to arrive. */
const AFTERWARDS_MS = 6 * 3600_000;

export interface Outcome {
  leads: number;
  ackMs: Percentiles;
  speedMs: Percentiles;
  /** Later than the SLA, or never. */
  breaches: number;
  unsynced: number;
  /** From the beginning to the last arrival in the CRM, in seconds. */
  doneAfterSeconds: number;
  longestQueue: { enrichment: number; 'crm-sync': number };
  ai: { calls: number; scoredInTime: number; scoredInTheEnd: number; fallbacks: number };
  crm: { calls: number; quotaReachedAtHour: number | null };
  /** Shares of what there is, in the busiest minute; the highest is the bottleneck. */
  uses: Use[];
  /** Quantiles in milliseconds: of acks, and of the time in each stage. */
  tables: { ack: number[]; enrichment: number[]; 'crm-sync': number[] };
}

/** Runs the scenario, one event after the other. `progress` receives the simulated share of the load. */
export function run(scenario: Scenario, calibration: Calibration, progress: (share: number) => void = () => {}): Outcome {
  const timeline = new Timeline();
  const draw = new Draw(scenario.seed);
  const machines = new Machines(timeline, scenario.oneMachine, calibration.loadMsPerRequest);
  const shared = new Shared(timeline, scenario, calibration, machines);
  const { tally } = shared;
  const apis = Array.from(
    { length: scenario.api.tasks },
    () => new Api(timeline, draw, calibration, machines, tally.acks, scenario.api.cores),
  );
  const workers = Array.from(
    { length: scenario.worker.tasks },
    (_, place) => new Worker(timeline, draw, scenario, shared, shareOf(scenario, place)),
  );
  const queueOf = (stage: 'enrichment' | 'crm-sync') =>
    new StageQueue(
      () => timeline.now,
      scenario.slaSeconds * 1000,
      workers.map((worker) => (stage === 'enrichment' ? worker.enrichment : worker.sync)),
    );
  const queues = { enrichment: queueOf('enrichment'), 'crm-sync': queueOf('crm-sync') };
  const endsAt = secondsOf(scenario.load) * 1000;
  for (const worker of workers) {
    worker.queues = queues;
    if (scenario.ai) worker.lookForRescores(endsAt);
  }

  // Leads have their own generator, so that every number of workers gets the same leads.
  const leads = arrivals(scenario.load, new Draw(scenario.seed + 1));
  let place = 0;
  const comeNext = () => {
    const next = leads.next();
    if (next.done) return;
    timeline.at(next.value, () => {
      if (place % 10_000 === 0) progress(timeline.now / endsAt);
      const lead = newLead(timeline.now, draw.level(scenario.ranks));
      tally.received.add(timeline.now);
      apis[place++ % apis.length]!.accept(() => queues.enrichment.add(lead));
      comeNext();
    });
  };
  comeNext();
  timeline.run(endsAt + AFTERWARDS_MS);
  progress(1);

  const received = tally.received.total;
  const unsynced = received - tally.speed.count;
  for (let index = 0; index < unsynced; index++) tally.speed.add(Infinity);
  const quotaAt = shared.quota?.stoppedAt ?? null;
  return {
    leads: received,
    ackMs: tally.acks.percentiles(),
    speedMs: tally.speed.percentiles(),
    breaches: tally.breaches + unsynced,
    unsynced,
    doneAfterSeconds: tally.syncedAt / 1000,
    longestQueue: { enrichment: queues.enrichment.longest, 'crm-sync': queues['crm-sync'].longest },
    ai: {
      calls: tally.aiCalls.total,
      scoredInTime: received === 0 ? 1 : tally.scoredInTime / received,
      scoredInTheEnd: received === 0 ? 1 : (tally.scoredInTime + tally.rescored) / received,
      fallbacks: tally.fallbacks,
    },
    crm: { calls: tally.crmCalls.total, quotaReachedAtHour: quotaAt === null ? null : quotaAt / 3600_000 },
    uses: usesOf(scenario, calibration, shared, apis, workers),
    tables: {
      ack: tally.acks.table(),
      enrichment: tally.stages.enrichment.table(),
      'crm-sync': tally.stages['crm-sync'].table(),
    },
  };
}

/** The share of the concurrency of all workers: divided evenly, the remainder to the first. */
function shareOf({ concurrency, worker }: Scenario, place: number): Scenario['concurrency'] {
  const share = (whole: number) => Math.floor(whole / worker.tasks) + (place < whole % worker.tasks ? 1 : 0);
  return { enrichment: share(concurrency.enrichment), 'crm-sync': share(concurrency['crm-sync']) };
}
