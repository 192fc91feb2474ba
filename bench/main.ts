import { Command } from 'commander';
import { benchAck, printAck } from './ack.js';
import { benchDrain, printDrain } from './drain.js';
import { benchOps, printOps } from './ops.js';
import { benchGrowth, printGrowth } from './growth.js';
import { benchBurst, printBurst } from './burst.js';
import { benchMarketo, printMarketo } from './marketo.js';
import { benchRouting, printRouting } from './routing.js';

const program = new Command('npm run bench --').description(
  'Measures against baselines in the same run. Starts its own PostgreSQL, Redis and servers on free ports and removes them afterwards.',
);
const number = (text: string) => Number.parseInt(text, 10);

program
  .command('ack')
  .description('acknowledgements: bare Fastify, NestJS + BullMQ, ours, and ours without batching, taking turns')
  .option('--rounds <n>', 'rounds that count; the medians are shown', number, 5)
  .option('--seconds <n>', 'length of a round', number, 5)
  .option('--connections <n>', 'concurrent connections (Marketo makes at most 20)', number, 64)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchAck({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printAck(result);
  });

program
  .command('burst')
  .description('a base rate, then 10 and 50 times of it, through api and worker into the CRM')
  .option('--base <n>', 'leads a second', number, 100)
  .option('--seconds <n>', 'length of each load', number, 10)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchBurst({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printBurst(result);
  });

program
  .command('drain')
  .description('a backlog from the ledger into the mock CRM, beside BullMQ workers that do nothing, on both queue backends')
  .option('--leads <n>', 'leads a round', number, 10_000)
  .option('--rounds <n>', 'rounds that count; the medians are shown', number, 3)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchDrain({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printDrain(result);
  });

program
  .command('growth')
  .description('the ack as the ledger grows, and the memory of the api as time goes by')
  .option('--rows <n>', 'rows of the large ledger', number, 5_000_000)
  .option('--rounds <n>', 'rounds with each; the medians are shown', number, 5)
  .option('--seconds <n>', 'length of a round', number, 5)
  .option('--connections <n>', 'concurrent connections', number, 20)
  .option('--minutes <n>', 'how long memory is watched under full load', number, 10)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchGrowth({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printGrowth(result);
  });

program
  .command('routing')
  .description('what owners by 1,000 rules and 200 members cost: drain and speed to lead with and without, and a decision')
  .option('--leads <n>', 'leads a drain', number, 5000)
  .option('--rounds <n>', 'pairs of runs that count; the medians of their ratios are shown', number, 5)
  .option('--accounts <n>', 'accounts in the mirror', number, 1_000_000)
  .option('--batches <n>', 'batches of 100 decisions; the median is shown', number, 50)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchRouting({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printRouting(result);
  });

program
  .command('marketo')
  .description('what the write-back to Marketo and the comparison with its log cost: the ack and speed to lead with and without')
  .option('--rounds <n>', 'pairs of runs that count; the medians of their ratios are shown', number, 5)
  .option('--rate <n>', 'leads a second', number, 50)
  .option('--seconds <n>', 'length of a run', number, 20)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchMarketo({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printMarketo(result);
  });

program
  .command('ops')
  .description('how long an operator waits for each command and page beside a large ledger')
  .option('--rows <n>', 'leads in the ledger; more than 500,000', number, 1_000_000)
  .option('--open <n>', 'how many of them are open', number, 0)
  .option('--rounds <n>', 'runs of each; the medians are shown', number, 3)
  .option('--json', 'one JSON document instead of a table')
  .action(async ({ json, ...options }) => {
    const result = await benchOps({ ...options, say: (line: string) => process.stderr.write(`${line}\n`) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else printOps(result);
  });

await program.parseAsync();
