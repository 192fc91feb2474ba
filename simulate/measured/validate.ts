import { setTimeout as sleep } from 'node:timers/promises';
import type { Calibration } from '../calibration.js';
import { Sample } from '../engine/sample.js';
import { run } from '../model/run.js';
import { machineCpuMs } from './cpu.js';
import { scenarioOf, standOf, type Trial } from './settings.js';
import { Stand } from './stand.js';

/** Loads that the calibration has not seen: the model is the limit in the one, the worker's CPU in the other. */
export const TRIALS: Trial[] = [
  {
    name: 'a model of 0.4 s (p95 1 s) at 40/s, Salesforce at 0.15 s; 15 leads/s with a burst of 120/s for 5 s',
    load: [
      { seconds: 5, perSecond: 15 },
      { seconds: 5, perSecond: 120 },
      { seconds: 10, perSecond: 15 },
    ],
    remote: { aiP50Ms: 400, aiP95Ms: 1000, aiPerSecond: 40, aiConcurrency: 50, crmMs: 150, crmPerSecond: 20 },
  },
  {
    name: 'heuristic and mock CRM; 100 leads/s with a burst of 1,000/s for 4 s',
    load: [
      { seconds: 3, perSecond: 100 },
      { seconds: 4, perSecond: 1000 },
      { seconds: 4, perSecond: 100 },
    ],
    remote: null,
  },
];
const LOOK_MS = 2000;
const WARM_UP = [{ seconds: 2, perSecond: 100 }];

export const FIGURES = {
  'ack p50, ms': (of: Figures) => of.ackMs.p50,
  'ack p95, ms': (of: Figures) => of.ackMs.p95,
  'ack p99, ms': (of: Figures) => of.ackMs.p99,
  'speed to lead p50, ms': (of: Figures) => of.speedMs.p50,
  'speed to lead p95, ms': (of: Figures) => of.speedMs.p95,
  'speed to lead p99, ms': (of: Figures) => of.speedMs.p99,
  'all in the CRM after, s': (of: Figures) => of.seconds,
  'scored in time, %': (of: Figures) => of.scoredInTime * 100,
  'calls of the model': (of: Figures) => of.aiCalls,
  'calls of Salesforce': (of: Figures) => of.crmCalls,
};
export type Figure = keyof typeof FIGURES;

interface Figures {
  ackMs: { p50: number; p95: number; p99: number };
  speedMs: { p50: number; p95: number; p99: number };
  seconds: number;
  scoredInTime: number;
  aiCalls: number;
  crmCalls: number;
}

export interface Comparison {
  name: string;
  leads: number;
  busyOtherwise: number;
  rows: { figure: Figure; predicted: number; measured: number; lowest: number; highest: number; errorPercent: number }[];
}

/** Predicts, says so, and only then measures. Each round sends the same leads that its prediction was for; medians count. */
export async function validate(
  { trials, rounds, calibration }: { trials: Trial[]; rounds: number; calibration: Calibration },
  say: (line: string) => void,
): Promise<Comparison[]> {
  const seeds = Array.from({ length: rounds }, (_, round) => 101 + round);
  const comparisons: Comparison[] = [];
  for (const trial of trials) {
    say(trial.name);
    const predicted: Figures[] = [];
    const measured: (Figures & { busyOtherwise: number; leads: number })[] = [];
    for (const seed of seeds) {
      predicted.push(predict(trial, seed, calibration, await busyCores()));
      say(`  predicted: ${brief(predicted.at(-1)!)}`);
      measured.push(await measure(trial, seed));
      const { busyOtherwise } = measured.at(-1)!;
      say(`  measured:  ${brief(measured.at(-1)!)}; others used ${busyOtherwise.toFixed(2)} cores`);
    }
    comparisons.push(compare(trial, predicted, measured));
  }
  return comparisons;
}

/** The generator of the leads has the seed that follows the scenario's. */
function predict(trial: Trial, seed: number, calibration: Calibration, busyOtherwise: number): Figures {
  const { ackMs, speedMs, ai, crm, doneAfterSeconds } = run(scenarioOf(trial, seed - 1, busyOtherwise), calibration);
  return { ackMs, speedMs, seconds: doneAfterSeconds, scoredInTime: ai.scoredInTime, aiCalls: ai.calls, crmCalls: crm.calls };
}

const brief = ({ ackMs, speedMs, seconds }: Figures) =>
  `ack p50 ${ackMs.p50.toFixed(1)} ms, speed to lead p50 ${Math.round(speedMs.p50)} ms, all done after ${seconds.toFixed(1)} s`;

/** What others use of the machine at this moment, in cores. */
async function busyCores(): Promise<number> {
  const before = await machineCpuMs();
  await sleep(LOOK_MS);
  return ((await machineCpuMs()) - before) / LOOK_MS;
}

async function measure(trial: Trial, seed: number) {
  const stand = await Stand.start(standOf(trial));
  try {
    await stand.measure(WARM_UP, seed);
    const { acks, speed, seconds, scoredInTime, calls, cpu, leads } = await stand.measure(trial.load, seed);
    const busyOtherwise = Math.max(0, cpu.others / seconds / 1000);
    return { ackMs: acks.percentiles(), speedMs: speed.percentiles(), seconds, scoredInTime, ...calls, busyOtherwise, leads };
  } finally {
    await stand.stop();
  }
}

const median = (values: number[]) => Sample.of(values).quantile(0.5);

function compare(
  { name, remote }: Trial,
  predicted: Figures[],
  measured: (Figures & { busyOtherwise: number; leads: number })[],
): Comparison {
  const figures = (Object.keys(FIGURES) as Figure[]).filter((figure) => remote || !/calls|scored/.test(figure));
  const rows = figures.map((figure) => {
    const model = median(predicted.map(FIGURES[figure]));
    const real = measured.map(FIGURES[figure]);
    const middle = median(real);
    return {
      figure,
      predicted: model,
      measured: middle,
      lowest: Math.min(...real),
      highest: Math.max(...real),
      errorPercent: (100 * (model - middle)) / middle,
    };
  });
  const of = (key: 'leads' | 'busyOtherwise') => median(measured.map((each) => each[key]));
  return { name, leads: of('leads'), busyOtherwise: of('busyOtherwise'), rows };
}
