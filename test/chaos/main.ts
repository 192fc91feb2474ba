import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { judge } from './invariants.js';
import { startLoad } from './load.js';
import { useCrm } from './org.js';
import { Random } from './random.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';
import { printSoak, soak } from './soak.js';
import { World } from './world.js';

interface Options {
  trials?: number;
  ci?: true;
  seed: number;
  soak?: number;
  parallel: number;
  crm: 'postgres' | 'salesforce';
  json?: true;
}

interface Row {
  scenario: string;
  trials: number;
  sent: number;
  acked: number;
  unavailable: number;
  lost: number;
  doubled: number;
  violations: string[];
}

const emptyRow = (scenario: string): Row => ({
  scenario,
  trials: 0,
  sent: 0,
  acked: 0,
  unavailable: 0,
  lost: 0,
  doubled: 0,
  violations: [],
});

/** Runs one scenario after the other. */
interface Lane {
  /** Running, or run last. */
  scenario?: Scenario;
  /** The previous scenario's world, reused if the next one needs the same settings. */
  shared?: { world: World; settings: Scenario['settings'] } | undefined;
}

const PAUSE_AT_MOST_MS = 10;
const CI_PAUSE_AT_MOST_MS = 100;

const number = (text: string) => Number.parseInt(text, 10);
const program = new Command('npm run chaos --')
  .description(
    'Trials of faults: real processes of the service, a real PostgreSQL and Redis, killed, frozen and wiped under load.',
  )
  .argument('[scenario...]', `all, or some of: ${Object.keys(SCENARIOS).join(', ')}`)
  .option('--trials <n>', 'trials a scenario; otherwise as many as a full run has', number)
  .option('--ci', 'the few trials that CI makes')
  .addOption(
    new Option('--crm <crm>', 'the CRM of the service under trial').choices(['postgres', 'salesforce']).default('postgres'),
  )
  .option('--seed <n>', 'repeats a run as far as the machine allows', number, 1)
  .option('--parallel <n>', 'scenarios at a time, each with its own stores; those that measure times run alone', number, 1)
  .option('--soak <minutes>', 'instead: so many minutes of random faults, with memory and growth', number)
  .option('--json', 'one JSON document instead of a table')
  .parse();
const options = program.opts<Options>();
useCrm(options.crm);
if (options.soak !== undefined) {
  const report = await soak(options.soak, new Random(options.seed), progress);
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else printSoak(report);
  process.exit(report.violations.length > 0 ? 1 : 0);
}
const names = program.args.length > 0 ? [...new Set(program.args)] : Object.keys(SCENARIOS);
const unknown = names.filter((name) => !SCENARIOS[name]);
if (unknown.length > 0)
  program.error(`There is no scenario ${unknown.join(', ')}. There are: ${Object.keys(SCENARIOS).join(', ')}.`);

const rows = new Map<string, Row>();
const alone = names.filter((name) => SCENARIOS[name]!.alone);
// Those with the most trials first: a long one at the end would leave the other lanes without work.
const waiting = names.filter((name) => !alone.includes(name)).toSorted((a, b) => trialsOf(b) - trialsOf(a));
const lanes: Lane[] = Array.from({ length: Math.max(1, options.parallel) }, () => ({}));
await Promise.all(lanes.map((lane) => runAll(lane, waiting)));
await runAll({}, alone);
const all = names.map((name) => rows.get(name)!);
if (options.json) console.log(JSON.stringify({ seed: options.seed, rows: all }, null, 2));
else printRows();
process.exitCode = all.some((row) => row.violations.length > 0) ? 1 : 0;

/** Runs what no other lane has begun, until nothing is left. */
async function runAll(lane: Lane, left: string[]): Promise<void> {
  try {
    for (let name = takeNext(lane, left); name !== undefined; name = takeNext(lane, left)) {
      rows.set(name, emptyRow(name));
      // One scenario that cannot be run must not end the processes of another.
      await runScenario(lane, name, rows.get(name)!).catch((error: unknown) => {
        rows.get(name)!.violations.push(String(error));
        progress(`${name}: ${String(error)}\n`);
      });
    }
  } finally {
    await lane.shared?.world.stop();
  }
}

/** Prefers a scenario for the world that the lane has, then one for which no other lane has a world. */
function takeNext(lane: Lane, left: string[]): string | undefined {
  const fits = (name: string, { scenario: last }: Lane) => {
    const next = SCENARIOS[name]!;
    return last !== undefined && !last.open && !next.open && isDeepStrictEqual(last.settings, next.settings);
  };
  const next = left.find((name) => fits(name, lane)) ?? left.find((name) => !lanes.some((other) => fits(name, other))) ?? left[0];
  if (next === undefined) return undefined;
  left.splice(left.indexOf(next), 1);
  lane.scenario = SCENARIOS[next]!;
  return next;
}

async function runScenario(lane: Lane, name: string, row: Row): Promise<void> {
  const scenario = SCENARIOS[name]!;
  const trials = trialsOf(name);
  const began = performance.now();
  const world = trials === 0 ? null : await enterWorld(lane, scenario);
  if (!world) return;
  row.trials = trials;
  try {
    for (let trial = 1; trial <= trials; trial++) {
      const random = new Random(options.seed * 1_000_003 + trial);
      const load = startLoad(world, random, `${name}-${trial}`, pauseOf(scenario));
      await sleep(random.between(50, 600));
      await scenario
        .fault({ world, random, number: trial, load, full: !options.ci, note: (text) => progress(`${name}: ${text}\n`) })
        .catch((error: unknown) => row.violations.push(`trial ${trial}: ${String(error)}`));
      await sleep(random.between(50, 400));
      const told = await load.stop();
      const verdict = await judge(world, told);
      row.sent += told.sent;
      row.acked += told.acked.size;
      row.unavailable += told.unavailable;
      row.lost += verdict.lost;
      row.doubled += verdict.doubled;
      row.violations.push(...verdict.violations.map((violation) => `trial ${trial} (seed ${options.seed}): ${violation}`));
      progress(
        `${name} ${trial}/${trials}: ${row.acked} acked, ${row.lost} lost, ${row.doubled} doubled, ${row.violations.length} violations`,
      );
      if (verdict.violations.length > 0) break; // what is broken now would be counted again by every later trial
    }
  } catch (error) {
    row.violations.push(String(error));
  } finally {
    progress(`${name}: ${Math.round((performance.now() - began) / 1000)} s\n`);
    // At once, since the table comes only after the last scenario.
    for (const violation of row.violations) progress(`${name}: ${violation}\n`);
    await leaveWorld(lane, scenario, world, row.violations.length === 0);
  }
}

function trialsOf(name: string): number {
  return options.trials ?? SCENARIOS[name]!.trials[options.ci ? 'ci' : 'full'];
}

function pauseOf({ pauseAtMostMs = PAUSE_AT_MOST_MS, ciPauseAtMostMs = CI_PAUSE_AT_MOST_MS }: Scenario): number {
  return options.ci ? Math.max(pauseAtMostMs, ciPauseAtMostMs) : pauseAtMostMs;
}

/** Starting a world takes longer than most trials. */
async function enterWorld(lane: Lane, scenario: Scenario): Promise<World | null> {
  const left = lane.shared;
  if (left && !scenario.open && isDeepStrictEqual(left.settings, scenario.settings)) return left.world;
  lane.shared = undefined;
  await left?.world.stop();
  if (scenario.open) return scenario.open();
  const world = await World.start(scenario.settings);
  lane.shared = { world, settings: scenario.settings };
  return world;
}

async function leaveWorld(lane: Lane, scenario: Scenario, world: World, sound: boolean): Promise<void> {
  if (!scenario.open && sound) return;
  lane.shared = undefined;
  await world.stop();
  await scenario.close?.(world);
}

function progress(line: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

function printRows(): void {
  const table = new Table({
    head: ['scenario', 'what', 'trials', 'sent', 'acked', '503', 'lost', 'doubled', 'violations'],
    style: { head: [], border: [] },
  });
  for (const row of all) {
    table.push([
      row.scenario,
      SCENARIOS[row.scenario]!.about,
      row.trials,
      row.sent,
      row.acked,
      row.unavailable,
      row.lost,
      row.doubled,
      row.violations.length,
    ]);
  }
  console.log(`\nseed ${options.seed}\n${table.toString()}`);
  for (const row of all) for (const violation of row.violations) console.log(`${row.scenario}: ${violation}`);
}
