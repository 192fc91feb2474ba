import { Command } from 'commander';
import { benchAck, printAck } from './ack.js';
import { benchBurst, printBurst } from './burst.js';

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
  .option('--seed <n>', 'rows that the ledger holds beforehand', number, 0)
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

await program.parseAsync();
