import { Command } from 'commander';
import { demoService } from './demo-service.js';
import { printReport, problemsOf } from './demo-report.js';
import { followLeads, sendAll } from './demo-run.js';
import { readWebhooks } from './webhooks.js';

const options = new Command('npm run demo --')
  .description(
    'Sends the sample Marketo webhooks of samples/ through a service, waits until each lead is in the CRM, and shows what became of each. ' +
      'Uses the service that answers at the URL; where there is none, it starts one on a free port with a data folder of its own, and removes both afterwards.',
  )
  .option('--url <url>', 'the service to use', `http://127.0.0.1:${process.env['PORT'] ?? '3000'}`)
  .option('--keep', 'keep the data folder of a service that the demo started')
  .option('--json', 'print one JSON document instead of tables')
  .addHelpText('after', '\nWEBHOOK_SECRETS and OPS_TOKENS are read from the environment where the service asks for them.')
  .parse()
  .opts<{ url: string; keep?: true; json?: true }>();

const say = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);

const service = await demoService(options.url, options.keep === true, say);
try {
  const sent = await sendAll(service.url, readWebhooks(), say);
  const leads = await followLeads(service.url, sent, say);
  const problems = problemsOf(sent, leads, service.fresh);
  if (options.json) process.stdout.write(`${JSON.stringify({ sent, leads, problems }, null, 2)}\n`);
  else printReport(sent, leads);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await service.stop();
}
