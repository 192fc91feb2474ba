import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { machine } from '../bench/support.js';
import { CALIBRATION_FILE, loadCalibration } from './calibration.js';
import { calibrate } from './measured/calibrate.js';
import { TRIALS, validate } from './measured/validate.js';
import { run } from './model/run.js';
import { addOptions, scenarioOf, type PredictOptions } from './options.js';
import { printComparison, printPrediction } from './report.js';
import { fewestTasks } from './size.js';

const say = (line: string) => void process.stderr.write(`${line}\n`);
const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value);
const rounds = (text: string) => Math.max(1, Number.parseInt(text, 10));

const program = new Command('npm run simulate --')
  .description(
    'Predicts what a day of leads needs: acks, speed to lead, tasks, API calls, money. It plays every lead through a model of the pipeline, ' +
      'whose costs were measured on a real one.',
  )
  .enablePositionalOptions();

addOptions(program)
  .addHelpText(
    'after',
    `
Examples:
  npm run simulate -- --leads-per-day 1000000 --burst 50 --ai-p95 3s --crm-limit 100000
  npm run simulate -- --leads-per-day 100000 --heuristic --mock-crm
  npm run simulate -- --leads-per-day 1000000 --ai-rate 100 --ai-concurrency 200 --crm-batch-window 5s

Times are 800ms, 3s or 5m. Options named after a variable have its default. A million leads take about twenty seconds of one core.`,
  )
  .action((options: PredictOptions) => {
    const calibration = loadCalibration(options.calibration);
    const scenario = scenarioOf(options);
    const found = { api: options.apiTasks === undefined, worker: options.workerTasks === undefined };
    const fewest = found.api || found.worker ? fewestTasks(scenario, calibration) : { api: 1, worker: 1 };
    const tasks = { api: options.apiTasks ?? fewest.api, worker: options.workerTasks ?? fewest.worker };
    const api = { ...scenario.api, tasks: tasks.api };
    const worker = { ...scenario.worker, tasks: tasks.worker };
    const bar = new SingleBar({ format: 'simulated |{bar}| {percentage} %', clearOnComplete: true, noTTYOutput: false });
    bar.start(1, 0);
    const outcome = run({ ...scenario, api, worker }, calibration, (share) => bar.update(Math.min(1, share)));
    bar.stop();
    if (options.json) console.log(JSON.stringify({ options, tasks, ...outcome, tables: undefined }, rounded, 2));
    else printPrediction(options, { tasks, found, outcome }, calibration);
  });

program
  .command('calibrate')
  .description(
    `measures the service on this machine, and writes its costs to simulate/calibration.json (100 s a round on a busy machine)`,
  )
  .option('--rounds <n>', 'how often; medians count', rounds, 1)
  .action(async (options: { rounds: number }) => {
    const calibration = await calibrate(options.rounds, say);
    writeFileSync(CALIBRATION_FILE, `${JSON.stringify(calibration, rounded, 2)}\n`);
    say(`Written to ${CALIBRATION_FILE}.`);
  });

program
  .command('validate')
  .description(
    'predicts two loads that the calibration has not seen, then measures them here, and shows both (90 s a round on a busy machine)',
  )
  .option('--rounds <n>', 'how often; medians count', rounds, 1)
  .option('--json', 'one JSON document instead of tables')
  .action(async (options: { rounds: number; json?: true }) => {
    const calibration = loadCalibration();
    if (calibration.machine !== machine()) say(`The calibration is of another machine: ${calibration.machine}.`);
    const comparisons = await validate({ trials: TRIALS, rounds: options.rounds, calibration }, say);
    if (options.json) console.log(JSON.stringify(comparisons, rounded, 2));
    else for (const comparison of comparisons) printComparison(comparison, options.rounds);
  });

try {
  await program.parseAsync();
  process.exit(0);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
