import Table from 'cli-table3';
import type { Calibration } from './calibration.js';
import type { Comparison } from './measured/validate.js';
import type { Outcome } from './model/run.js';
import { costOf, type PredictOptions } from './options.js';
import type { Size } from './size.js';
import type { Percentiles } from './engine/sample.js';

export interface Prediction {
  tasks: Size;
  /** Whether the number of tasks was given, or found. */
  found: { api: boolean; worker: boolean };
  outcome: Outcome;
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US');
const percent = (share: number, digits = 0) => `${(share * 100).toFixed(digits)} %`;
const time = (ms: number) => {
  if (ms === Infinity) return 'not that day';
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
};
const three = ({ p50, p95, p99 }: Percentiles) => `${time(p50)} / ${time(p95)} / ${time(p99)}`;
const plain = { style: { head: [], border: [], compact: true } };

export function printPrediction(options: PredictOptions, prediction: Prediction, calibration: Calibration): void {
  const { outcome, tasks, found } = prediction;
  const table = new Table({ ...plain, head: ['', 'predicted'] });
  const cost = costOf(options, outcome.ai.calls);
  const tokens = outcome.ai.calls * (options.aiTokensIn + options.aiTokensOut);
  table.push(
    ['leads', whole(outcome.leads)],
    ['ack p50 / p95 / p99', three(outcome.ackMs)],
    ['speed to lead p50 / p95 / p99', three(outcome.speedMs)],
    ['later than the SLA', `${whole(outcome.breaches)} (${percent(outcome.breaches / outcome.leads, 2)})`],
    [`api tasks of ${options.apiCpu} vCPU`, `${tasks.api}${found.api ? ', the fewest that do' : ''}`],
    [`worker tasks of ${options.workerCpu} vCPU`, `${tasks.worker}${found.worker ? ', the fewest that do' : ''}`],
    [
      'longest wait, leads: model / CRM',
      `${whole(outcome.longestQueue.enrichment)} / ${whole(outcome.longestQueue['crm-sync'])}`,
    ],
  );
  if (!options.heuristic) {
    table.push(
      ['scored by the model in time', percent(outcome.ai.scoredInTime, 1)],
      ['and by the end, with re-scores', percent(outcome.ai.scoredInTheEnd, 1)],
      ['calls of the model a day', whole(outcome.ai.calls)],
      ['tokens a day', whole(tokens)],
      [`cost of ${options.aiModel} a day`, cost === null ? 'not in the price table' : `${whole(cost)} US dollars`],
    );
  }
  if (!options.mockCrm) {
    const { calls, quotaReachedAtHour: hour } = outcome.crm;
    table.push([
      'calls of Salesforce a day',
      `${whole(calls)} of ${whole(options.crmLimit)}, ${(calls / outcome.leads).toFixed(3)} a lead`,
    ]);
    if (hour !== null)
      table.push(['the quota ends at', `${Math.floor(hour)}:${String(Math.floor((hour % 1) * 60)).padStart(2, '0')}`]);
  }
  console.log(table.toString());
  printUses(outcome);
  console.log(
    `\nCosts as measured on ${calibration.machine} (${calibration.measuredAt}, beside ${calibration.competing.toFixed(1)} threads of others); a vCPU counts as one of its cores.`,
  );
}

function printUses({ uses }: Outcome): void {
  const table = new Table({
    ...plain,
    head: ['in the busiest minute', 'used', 'more of it by'],
    colAligns: ['left', 'right', 'left'],
  });
  for (const { name, share, raise } of uses) table.push([name, percent(share, share < 0.1 ? 1 : 0), raise]);
  console.log(table.toString());
  const [first] = uses;
  console.log(
    first!.share > 1
      ? `The bottleneck: ${first!.name}. Demand in the busiest minute is ${first!.share.toFixed(1)} times the supply; leads wait, or continue with a provisional score.`
      : `The bottleneck would be: ${first!.name}, at ${percent(first!.share)} in the busiest minute.`,
  );
}

export function printComparison({ name, leads, competing, rows }: Comparison, rounds: number): void {
  const table = new Table({
    ...plain,
    head: ['', 'predicted', 'measured', 'from', 'to', 'error'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
  const figure = (value: number) => (value < 20 ? value.toFixed(1) : String(Math.round(value)));
  for (const { figure: what, predicted, measured, lowest, highest, errorPercent } of rows) {
    const sign = errorPercent > 0 ? '+' : '';
    table.push([
      what,
      figure(predicted),
      figure(measured),
      figure(lowest),
      figure(highest),
      `${sign}${errorPercent.toFixed(0)} %`,
    ]);
  }
  console.log(
    `\n${name}\n${whole(leads)} leads, medians of ${rounds} rounds; others used ${competing.toFixed(2)} cores\n${table.toString()}`,
  );
}
