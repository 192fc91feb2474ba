import type { Calibration } from './calibration.js';
import { run, type Outcome } from './model/run.js';
import { secondsOf, type Load } from './model/load.js';
import type { Scenario } from './model/scenario.js';

/** Above this a queue grows faster than it is comfortable to watch, and a task that fails leaves too much to the others. */
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

/** The fewest tasks that keep their CPU below CPU_AT_MOST in the busiest minute, and with which as many leads are in time as with any number. */
export function fewestTasks(scenario: Scenario, calibration: Calibration): Size {
  const busiest = { ...scenario, load: busiestPart(scenario.load) };
  const withTasks = (api: number, worker: number) =>
    run({ ...busiest, api: { ...busiest.api, tasks: api }, worker: { ...busiest.worker, tasks: worker } }, calibration);
  let api = 1;
  let worker = 1;
  let outcome = withTasks(api, worker);
  // Utilisation says how many it takes; what the model makes of the guess corrects it.
  for (let round = 0; round < 8; round++) {
    const wanted = { api: atLeast(api * useOf(outcome, 'api CPU')), worker: atLeast(worker * useOf(outcome, 'worker CPU')) };
    if (wanted.api <= api && wanted.worker <= worker) break;
    [api, worker] = [Math.max(api, wanted.api), Math.max(worker, wanted.worker)];
    outcome = withTasks(api, worker);
  }
  // Tasks bring more than CPU: each has calls of its own under way. Twice as many are tried, and kept where that helps.
  while (worker * 2 <= TASKS_AT_MOST) {
    const more = withTasks(api, worker * 2);
    if ((outcome.breaches - more.breaches) / outcome.leads < WORTH_IT) break;
    // Each worker gathers batches of its own: what is gained in time must not be paid with the calls of the org's day.
    if (more.crm.calls > outcome.crm.calls * CALLS_AT_MOST) break;
    [worker, outcome] = [worker * 2, more];
  }
  return { api, worker };
}

const atLeast = (cores: number) => Math.min(TASKS_AT_MOST, Math.max(1, Math.ceil(cores / CPU_AT_MOST)));
const useOf = ({ uses }: Outcome, name: string) => uses.find((use) => use.name === name)!.share;

/** The highest stretch, with a little before it and what its backlog needs after it. */
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
