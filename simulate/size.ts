import type { Calibration } from './calibration.js';
import { run, type Outcome } from './model/run.js';
import { secondsOf, type Load } from './model/load.js';
import type { Scenario } from './model/scenario.js';

/** The maximum CPU share per task: above it queues grow fast, and the other tasks cannot absorb a failed one. */
export const CPU_AT_MOST = 0.7;
/** What more tasks would have to bring to be worth it: a thousandth of the leads, in time. */
const WORTH_IT = 0.001;
const CALLS_AT_MOST = 1.1;
const TASKS_AT_MOST = 64;
/** Around the busiest stretch of the day: what the search plays. */
const BEFORE_SECONDS = 120;
const AFTER_SECONDS = 900;

export interface Size {
  api: number;
  worker: number;
}

/** The fewest tasks below CPU_AT_MOST in the busiest minute that bring as many leads in time as any number would. */
export function fewestTasks(scenario: Scenario, calibration: Calibration): Size {
  const busiest = { ...scenario, load: busiestPart(scenario.load) };
  const withTasks = (api: number, worker: number) =>
    run({ ...busiest, api: { ...busiest.api, tasks: api }, worker: { ...busiest.worker, tasks: worker } }, calibration);
  let api = 1;
  let worker = 1;
  let outcome = withTasks(api, worker);
  // Start with the utilisation; the simulation corrects that estimate.
  for (let round = 0; round < 8; round++) {
    const wanted = { api: atLeast(api * useOf(outcome, 'api CPU')), worker: atLeast(worker * useOf(outcome, 'worker CPU')) };
    if (wanted.api <= api && wanted.worker <= worker) break;
    [api, worker] = [Math.max(api, wanted.api), Math.max(worker, wanted.worker)];
    outcome = withTasks(api, worker);
  }
  // Tasks also add concurrent calls. Twice as many are tried, and kept if that helps.
  while (worker * 2 <= TASKS_AT_MOST) {
    const more = withTasks(api, worker * 2);
    if ((outcome.breaches - more.breaches) / outcome.leads < WORTH_IT) break;
    // Each worker forms its own batches, so more workers must not use up the org's daily calls.
    if (more.crm.calls > outcome.crm.calls * CALLS_AT_MOST) break;
    [worker, outcome] = [worker * 2, more];
  }
  return { api, worker };
}

const atLeast = (cores: number) => Math.min(TASKS_AT_MOST, Math.max(1, Math.ceil(cores / CPU_AT_MOST)));
const useOf = ({ uses }: Outcome, name: string) => uses.find((use) => use.name === name)!.share;

/** The peak, with some time before it and enough after it for its backlog. */
function busiestPart(load: Load): Load {
  const peak = load.reduce((best, stretch, index) => (stretch.perSecond > load[best]!.perSecond ? index : best), 0);
  const before = load[peak - 1];
  const after = load[peak + 1];
  const short = { ...load[peak]!, seconds: Math.min(load[peak]!.seconds, AFTER_SECONDS) };
  return [
    ...(before ? [{ ...before, seconds: Math.min(before.seconds, BEFORE_SECONDS) }] : []),
    short,
    ...(after ? [{ ...after, seconds: Math.min(after.seconds, Math.max(60, AFTER_SECONDS - secondsOf([short]))) }] : []),
  ];
}
