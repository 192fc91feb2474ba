import { Command } from 'commander';
import { benchAck, printAck } from './ack.js';
import { benchClaims, printClaims } from './claims.js';
import { benchDrain, printDrain } from './drain.js';
import { benchOps, printOps } from './ops.js';
import { benchGrowth, printGrowth } from './growth.js';
import { benchBurst, printBurst } from './burst.js';
import { benchMarketo, printMarketo } from './marketo.js';
import { benchRouting, printRouting } from './routing.js';

interface Bench<Options, Result> {
  name: string;
  about: string;
  /** What each option says, and its default: whole numbers. */
  options: Record<Exclude<keyof Options, 'say'>, [about: string, standard: number]>;
  run(options: Options): Promise<Result>;
  print(result: Result): void;
}

const program = new Command('npm run bench --').description(
  'Measures against baselines in the same run. Starts its own PostgreSQL, Redis and servers on free ports and removes them afterwards.',
);

add({
  name: 'ack',
  about: 'acknowledgements: bare Fastify, NestJS + BullMQ, ours, and ours without batching, taking turns',
  options: {
    rounds: ['rounds that count; the medians are shown', 5],
    seconds: ['length of a round', 5],
    connections: ['concurrent connections (Marketo makes at most 20)', 64],
  },
  run: benchAck,
  print: printAck,
});

add({
  name: 'burst',
  about: 'a base rate, then 10 and 50 times of it, through api and worker into the CRM',
  options: {
    base: ['leads a second', 100],
    seconds: ['length of each load', 10],
  },
  run: benchBurst,
  print: printBurst,
});

add({
  name: 'claims',
  about: 'the claims of a batch in a ledger with many open leads, and in one with few, taking turns',
  options: {
    open: ['open leads of the large ledger', 1_000_000],
    batches: ['batches of 100 in each', 300],
  },
  run: benchClaims,
  print: printClaims,
});

add({
  name: 'drain',
  about: 'a backlog from the ledger into the mock CRM, beside BullMQ workers that do nothing, on both queue backends',
  options: {
    leads: ['leads a round', 10_000],
    rounds: ['rounds that count; the medians are shown', 3],
  },
  run: benchDrain,
  print: printDrain,
});

add({
  name: 'growth',
  about: 'the ack as the ledger grows, and the memory of the api as time goes by',
  options: {
    rows: ['rows of the large ledger', 5_000_000],
    rounds: ['rounds with each; the medians are shown', 5],
    seconds: ['length of a round', 5],
    connections: ['concurrent connections', 20],
    minutes: ['how long memory is watched under full load', 10],
  },
  run: benchGrowth,
  print: printGrowth,
});

add({
  name: 'routing',
  about: 'what owners by 1,000 rules and 200 members cost: drain and speed to lead with and without, and a decision',
  options: {
    leads: ['leads a drain', 5000],
    rounds: ['pairs of runs that count; the medians of their ratios are shown', 5],
    accounts: ['accounts in the mirror', 1_000_000],
    batches: ['batches of 100 decisions; the median is shown', 50],
  },
  run: benchRouting,
  print: printRouting,
});

add({
  name: 'marketo',
  about: 'what the write-back to Marketo and the comparison with its log cost: the ack and speed to lead with and without',
  options: {
    rounds: ['pairs of runs that count; the medians of their ratios are shown', 5],
    rate: ['leads a second', 50],
    seconds: ['length of a run', 20],
    compare: ['seconds between two comparisons with the log, of which the schedule has 900; 0 for none', 5],
  },
  run: benchMarketo,
  print: printMarketo,
});

add({
  name: 'ops',
  about: 'how long an operator waits for each command and page beside a large ledger',
  options: {
    rows: ['leads in the ledger; more than 500,000', 1_000_000],
    open: ['how many of them are open', 0],
    rounds: ['runs of each; the medians are shown', 3],
  },
  run: benchOps,
  print: printOps,
});

await program.parseAsync();

function add<Options, Result>({ name, about, options, run, print }: Bench<Options, Result>): void {
  const command = program.command(name).description(about);
  for (const [option, [means, standard]] of Object.entries<[string, number]>(options))
    command.option(`--${option} <n>`, means, (text) => Number.parseInt(text, 10), standard);
  command.option('--json', 'one JSON document instead of a table').action(async ({ json, ...given }) => {
    const say = (line: string) => process.stderr.write(`${line}\n`);
    const result = await run({ ...given, say });
    if (json) console.log(JSON.stringify(result, null, 2));
    else print(result);
  });
}
