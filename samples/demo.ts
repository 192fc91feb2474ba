import { Command, InvalidArgumentError } from 'commander';
import { serviceUrlOf } from '../src/cli/connection.js';
import { loadEnvFile } from '../src/platform/config/env-file.js';
import { showConsole } from './demo-console.js';
import { followLeads } from './demo-follow.js';
import { showMarketo, startDemoMarketo } from './demo-marketo.js';
import { problemsOf } from './demo-problems.js';
import { printReport, summaryOf } from './demo-report.js';
import { sendAll } from './demo-run.js';
import { demoService } from './demo-service.js';
import { readWebhooks } from './webhooks.js';

// The service reads .env too: without it the demo would not know the secrets that the service asks for.
loadEnvFile();

const options = new Command('npm run demo --')
  .description(
    'Sends the sample Marketo webhooks of samples/ through a service, waits until each lead is in the CRM, ' +
      'and shows what became of each. ' +
      'Uses the service that is ready at the URL; where there is none, it starts one on a free port and removes it afterwards, ' +
      'data and all. A service that it starts has its own database, queue and mock CRM, whatever .env says, so that no sample ' +
      'reaches a real CRM; it scores with the AI provider of the environment.',
  )
  .option('--url <url>', 'the service to use (default from REVENUEFLOW_URL, or HOST and PORT)', readUrl)
  .option('--keep', 'keep the data folder of a service that the demo started')
  .option('--marketo', 'instead: a Marketo of its own sends forms, gets the scores, and is compared with the ledger')
  .option('--json', 'print one JSON document and nothing else on stdout; progress and sentences go to stderr')
  .addHelpText(
    'after',
    `
The first of WEBHOOK_SECRETS is used where it is set, and REVENUEFLOW_TOKEN or the first operator of OPS_TOKENS, from the
environment or .env.

On a service that the demo started, every answer must be the one that the sample expects. Any other may have seen the samples
before (a second run is all duplicates), so there the demo only reports what it was answered.

Exit code: 0 when all went as it should; 1 when an answer was unexpected, the service failed to answer, or a lead did not reach
the CRM within 60 seconds, each with a sentence on stderr.

Examples:
  npm run demo
  npm run demo -- --marketo
  npm run demo -- --url http://127.0.0.1:8080
  npm run --silent demo -- --json | jq .summary`,
  )
  .parse()
  .opts<{ url?: string; keep?: true; json?: true; marketo?: true }>();

const interrupt = new AbortController();
let exitCodeOfSignal: number | null = null;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    exitCodeOfSignal = code;
    interrupt.abort();
  });
}
// `npm run demo | head` closes stdout early; that must not leave a service and its database behind.
process.stdout.on('error', () => interrupt.abort());

const say = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
const bars = !options.json && process.stdout.isTTY;

try {
  process.exitCode = (await (options.marketo ? runMarketo() : runSamples())) === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${interrupt.signal.aborted ? 'Interrupted.' : (error as Error).message}\n`);
  process.exitCode = exitCodeOfSignal ?? 1;
}

/** @returns the number of problems. */
async function runSamples(): Promise<number> {
  const { stop, ...service } = await demoService({
    url: serviceUrlOf(process.env, options.url),
    keep: options.keep === true,
    say,
    signal: interrupt.signal,
  });
  try {
    const step = { url: service.url, say, bars, signal: interrupt.signal };
    const sent = await sendAll(readWebhooks(), step);
    const leads = await followLeads(sent, step);
    const problems = problemsOf(sent, leads, service.fresh);
    const summary = summaryOf(sent, leads, service.fresh);
    if (!options.json) printReport(sent, leads, service.fresh);
    return await end(service, problems, { service, summary, sent, leads, problems });
  } finally {
    await stop();
  }
}

/** @returns the number of problems. */
async function runMarketo(): Promise<number> {
  const { fake, env } = await startDemoMarketo();
  const request = {
    url: serviceUrlOf(process.env, options.url),
    keep: options.keep === true,
    say,
    signal: interrupt.signal,
    env,
  };
  try {
    const { stop, ...service } = await demoService(request);
    try {
      const problems = await showMarketo(fake, { url: service.url, say, signal: interrupt.signal });
      return await end(service, problems, { problems });
    } finally {
      await stop();
    }
  } finally {
    await fake.stop();
  }
}

/** Says what was wrong, and shows the console while the service still runs. @returns the number of problems. */
async function end(service: Parameters<typeof showConsole>[0], problems: string[], document: object): Promise<number> {
  if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  const wait = process.stdin.isTTY && process.stdout.isTTY;
  if (!options.json) await showConsole(service, { say, wait, signal: interrupt.signal });
  return problems.length;
}

function readUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw new InvalidArgumentError('It must be like http://127.0.0.1:3000.');
  return text.replace(/\/+$/, '');
}
