import { Command, Option } from 'commander';
import { crmCommands } from './crm.command.js';
import { ServiceClient, ServiceError } from './http-client.js';
import { costsCommand } from './costs.command.js';
import { deadLetterCommands } from './dead-letters.command.js';
import { fieldsOf } from './parse-assignments.js';
import { importCommand } from './import.command.js';
import { personCommands } from './privacy.command.js';
import { queueCommands } from './queues.command.js';
import { slaCommand } from './sla.command.js';
import { journeyText, leadsTable, printable, table, type Journey, type Summary } from './format-lead.js';
import { LEAD_STATES } from '../domain/lead-state.js';
import { loadEnvFile } from '../platform/config/env-file.js';
import { migrate } from '../platform/database/migrate.js';

interface GlobalOptions {
  url: string;
  json?: true;
}

interface ShownRejection {
  id: string;
  receivedAt: string;
  detail: string;
  body: string;
  replayedAs: string | null;
}

const program = new Command('npm run ops --')
  .description(
    'The operator’s commands. They talk to a running service over HTTP, so they work from wherever it can be reached; ' +
      '`crm` talks to the database and the CRM, with the service’s own settings.',
  )
  .option('--url <url>', 'the service', process.env['REVENUEFLOW_URL'] ?? `http://127.0.0.1:${process.env['PORT'] ?? '3000'}`)
  .option('--json', 'print one JSON document instead of tables')
  .addHelpText(
    'after',
    `
Where to begin:
  ops -- lead ann@acme.com     where is it, why has it this score, what was the CRM sent, what comes next
  ops -- sla                   are leads in time, and when will what waits be through
  ops -- queues                does anything wait, is a stage paused, is a breaker open
  ops -- dlq list              what was given up, why, and how often
  ops -- rejections            what Marketo sent that could not be read
docs/runbook.md says for each symptom what to run and what you will see then.
`,
  )
  .addHelpText(
    'after',
    'The first of OPS_TOKENS and of WEBHOOK_SECRETS, from the environment or .env, is used where the service asks for one.',
  );

function client(): ServiceClient {
  const token = process.env['OPS_TOKENS']?.split(',')[0]?.trim().split(':').slice(2).join(':');
  const secret = process.env['WEBHOOK_SECRETS']?.split(',')[0]?.trim();
  return new ServiceClient({
    url: program.opts<GlobalOptions>().url,
    ...(token ? { token } : {}),
    ...(secret ? { secret } : {}),
  });
}

function print(document: unknown, text: () => string): void {
  console.log(program.opts<GlobalOptions>().json ? JSON.stringify(document, null, 2) : printable(text()));
}

program
  .command('leads')
  .description('the newest leads')
  .addOption(new Option('--state <state>', 'where they are').choices(LEAD_STATES))
  .option('--campaign <id>', 'of one campaign')
  .option('--limit <n>', 'how many', '20')
  .action(async ({ state, campaign, limit }: { state?: string; campaign?: string; limit: string }) => {
    const query = new URLSearchParams({ limit, ...(state ? { state } : {}), ...(campaign ? { campaign_id: campaign } : {}) });
    const page = await client().get<{ items: Summary[] }>(`/ops/leads?${query}`);
    print(page, () => leadsTable(page.items));
  });

program
  .command('lead')
  .argument('<id or e-mail>')
  .description('the journey of a lead, or of all leads of a person')
  .action(async (name: string) => {
    const ids = name.includes('@')
      ? (await client().post<{ items: Summary[] }>('/ops/leads/search', { email: name })).items.map(({ id }) => id)
      : [name];
    if (ids.length === 0) throw new ServiceError(404, 'There is no lead with this e-mail.');
    const journeys = await Promise.all(ids.map((id) => client().get<Journey>(`/ops/leads/${encodeURIComponent(id)}`)));
    print(journeys, () => journeys.map(journeyText).join('\n\n'));
  });

program.addCommand(deadLetterCommands(client, print));
program.addCommand(queueCommands(client, print));
program.addCommand(crmCommands({ print, table }));
program.addCommand(slaCommand(client, print));
program.addCommand(costsCommand(client, print));
program.addCommand(personCommands(client, print));
program.addCommand(importCommand(client, print));

program
  .command('migrate')
  .description('brings the schema of DATABASE_URL up to date and ends; the one command that talks to the database itself')
  .action(async () => {
    const url = process.env['DATABASE_URL']?.trim();
    if (!url)
      throw new Error('DATABASE_URL is required: without it there is no database to migrate but the embedded one, at its start.');
    const applied = await migrate(url);
    print({ applied }, () => (applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`));
  });

const rejections = program
  .command('rejections')
  .description('requests that were refused for their content, with their bodies')
  .option('--limit <n>', 'how many', '20')
  .action(async ({ limit }: { limit: string }) => {
    const page = await client().get<{ items: ShownRejection[] }>(`/ops/rejections?limit=${encodeURIComponent(limit)}`);
    if (page.items.length === 0) return print(page, () => 'Nothing has been rejected.');
    const rows = page.items.map(({ id, receivedAt, detail, body, replayedAs }) => [
      id,
      receivedAt,
      replayedAs ? 'replayed' : 'open',
      detail,
      body.slice(0, 200),
    ]);
    print(page, () => table(['rejection', 'received', '', 'why', 'body'], rows, [38, 26, 10, 44, 50]));
  });

rejections
  .command('replay')
  .argument('[id]', 'one rejection; all open ones without it')
  .option('--set <field=value...>', 'corrected fields, with an id')
  .option('--charset <name>', 'the charset of the body, e.g. windows-1252, where its Content-Type names none')
  .description('replays rejected requests')
  .action(async (id: string | undefined, { set = [], charset }: { set?: string[]; charset?: string }) => {
    const corrected = fieldsOf(set);
    type Result = { id?: string; status: string; leadId?: string; detail?: string };
    const items = id
      ? [
          await client().post<Result>(
            `/ops/rejections/${encodeURIComponent(id)}/replay${charset ? `?${new URLSearchParams({ charset })}` : ''}`,
            corrected,
          ),
        ]
      : (await client().post<{ items: Result[] }>('/ops/rejections/replay', charset ? { charset } : {})).items;
    print(items, () =>
      table(
        ['answer', 'lead or reason'],
        items.map(({ status, leadId, detail }) => [status, leadId ?? detail ?? '']),
      ),
    );
  });

loadEnvFile();
try {
  await program.parseAsync();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
