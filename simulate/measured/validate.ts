import { onCores, type Calibration } from '../calibration.js';
import { Sample } from '../engine/sample.js';
import { run } from '../model/run.js';
import { yardstick } from './cpu.js';
import { scenarioOf, testBedOf, WARM_UP, type Trial } from './settings.js';
import { TestBed } from './test-bed.js';

/** Loads that the calibration has not seen: the model is the limit in the one, the worker's CPU in the other. */
export const TRIALS: Trial[] = [
  {
    name: 'a model of 0.4 s (p95 1 s) at 40/s, Salesforce at 0.15 s; 15 leads/s with a burst of 100/s for 5 s',
    load: [
      { seconds: 5, perSecond: 15 },
      { seconds: 5, perSecond: 100 },
      { seconds: 12, perSecond: 15 },
    ],
    remote: { aiP50Ms: 400, aiP95Ms: 1000, aiPerSecond: 40, aiConcurrency: 50, crmMs: 150, crmPerSecond: 20 },
  },
  {
    name: 'heuristic and mock CRM; 50 leads/s with a burst of 400/s for 4 s',
    load: [
      { seconds: 3, perSecond: 50 },
      { seconds: 4, perSecond: 400 },
      { seconds: 5, perSecond: 50 },
    ],
    remote: null,
  },
];

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
  competing: number;
  rows: { figure: Figure; predicted: number; measured: number; lowest: number; highest: number; errorPercent: number }[];
}

/**
 * Predicts, prints the prediction, then measures. A round sends the leads that its prediction was for; medians count.
 */
export async function validate(
  { trials, rounds, calibration }: { trials: Trial[]; rounds: number; calibration: Calibration },
  say: (line: string) => void,
): Promise<Comparison[]> {
  const seeds = Array.from({ length: rounds }, (_, round) => 101 + round);
  const comparisons: Comparison[] = [];
  for (const trial of trials) {
    say(trial.name);
    const predicted: Figures[] = [];
    const measured: (Figures & { competing: number; leads: number })[] = [];
    for (const seed of seeds) {
      const { cpuMs, competing } = await yardstick();
      const now = onCores(calibration, cpuMs / calibration.yardstickMs);
      predicted.push(predict(trial, seed, now, competing));
      say(`  predicted: ${brief(predicted.at(-1)!)}`);
      measured.push(await measure(trial, seed));
      say(
        `  measured:  ${brief(measured.at(-1)!)}; ${competing.toFixed(1)} threads of others competed before it, and used ${measured.at(-1)!.competing.toFixed(1)} cores meanwhile`,
      );
    }
    comparisons.push(compare(trial, predicted, measured));
  }
  return comparisons;
}

/** The generator of the leads has the seed that follows the scenario's. */
function predict(trial: Trial, seed: number, calibration: Calibration, competing: number): Figures {
  const { ackMs, speedMs, ai, crm, doneAfterSeconds } = run(scenarioOf(trial, seed - 1, competing), calibration);
  return { ackMs, speedMs, seconds: doneAfterSeconds, scoredInTime: ai.scoredInTime, aiCalls: ai.calls, crmCalls: crm.calls };
}

const brief = ({ ackMs, speedMs, seconds }: Figures) =>
  `ack p50 ${ackMs.p50.toFixed(1)} ms, speed to lead p50 ${Math.round(speedMs.p50)} ms, all done after ${seconds.toFixed(1)} s`;

async function measure(trial: Trial, seed: number) {
  const testBed = await TestBed.start(testBedOf(trial));
  try {
    await testBed.measure(WARM_UP, seed);
    const { acks, speed, seconds, scoredInTime, calls, cpu, leads } = await testBed.measure(trial.load, seed);
    const competing = Math.max(0, cpu.others / seconds / 1000);
    return { ackMs: acks.percentiles(), speedMs: speed.percentiles(), seconds, scoredInTime, ...calls, competing, leads };
  } finally {
    await testBed.stop();
  }
}

const median = (values: number[]) => Sample.of(values).quantile(0.5);

function compare(
  { name, remote }: Trial,
  predicted: Figures[],
  measured: (Figures & { competing: number; leads: number })[],
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
  const of = (key: 'leads' | 'competing') => median(measured.map((each) => each[key]));
  return { name, leads: of('leads'), competing: of('competing'), rows };
}
