import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { addAuditCommands } from './audit.command.js';
import { addCompletionCommand } from './completion.command.js';
import { addCostsCommand } from './costs.command.js';
import { addCrmCommands } from './crm.command.js';
import { addDatabaseCommands } from './db.command.js';
import { addDeadLetterCommands } from './dead-letters.command.js';
import { EXIT_CODE_TEXTS, EXIT_CODES } from './exit-codes.js';
import { wrapped } from './format-text.js';
import type { CliIo } from './io.js';
import { addLeadCommands } from './leads.command.js';
import { refuseExcessWords } from './options.js';
import { addOutcomeCommands } from './outcomes.command.js';
import { addMarketoCommands } from './marketo.command.js';
import { FORMATS } from './output.js';
import { addPeopleCommands } from './people.command.js';
import { addQueueCommands } from './queues.command.js';
import { addRejectionCommands } from './rejections.command.js';
import { addRoutingCommands } from './routing.command.js';
import { addScoreCommand } from './score.command.js';
import { Session } from './session.js';
import { addSlaCommand } from './sla.command.js';
import { addTrialCommands } from './trials.command.js';
import { widthOf } from './terminal-width.js';

export const EXAMPLES: [string, string][] = [
  ['revenueflow leads get ann@acme.com', 'state, score and reasons, CRM record, timeline'],
  ['revenueflow leads list --state dead -n 50', 'the newest 50 dead-lettered leads'],
  ['revenueflow sla', 'are leads in time, and when is the backlog done'],
  ['revenueflow queues', 'what waits, what is paused, which breaker is open'],
  ['revenueflow dead-letters summary', 'what failed, why, and how often'],
  ['revenueflow rejections', 'webhooks that could not be read'],
];

export const ENVIRONMENT: [string, string][] = [
  ['REVENUEFLOW_URL', 'where the service is; without it http://HOST:PORT of the service'],
  ['REVENUEFLOW_TOKEN', 'your secret; without it the first operator of OPS_TOKENS'],
  ['WEBHOOK_SECRETS', 'for "leads import": the first is used'],
  ['TZ', 'the zone of the times, e.g. Europe/Berlin; --utc wins'],
];

/** They stay, since scripts use them. */
export const OLD_NAMES: [string, string][] = [
  ['`lead <lead>`', '`leads get <lead>`'],
  ['`import <file>`', '`leads import <file>`'],
  ['`dlq list`', '`dead-letters summary`'],
  ['`dlq list --each`, `dlq list --code <code>`', '`dead-letters list`'],
  ['`dlq show <lead>`', '`dead-letters get <lead>`'],
  ['`dlq edit`, `dlq replay`, `dlq discard`', '`dead-letters edit`, `dead-letters replay`, `dead-letters discard`'],
  ['`person export`, `person erase`, `person receipt`', '`people export`, `people erase`, `people receipt`'],
  ['`migrate`', '`db migrate`'],
];

/** The whole command tree. Nothing is read or opened before a command runs. */
export function createProgram(io: CliIo = process): { program: Command; session: Session } {
  const program = new Command('revenueflow');
  const session = new Session(program, io);
  program
    .description(
      'Operate RevenueFlow AI. The commands talk to a running service over HTTP; ' +
        '"crm", "marketo check" and "db" use the database and the third parties directly, with the settings of the service.',
    )
    .version(versionOf(), '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(wrapped(text, widthOf(io.stdout, io.env))),
      writeErr: (text) => void io.stderr.write(wrapped(text, widthOf(io.stderr))),
    })
    .exitOverride()
    .option('--url <url>', 'the service (REVENUEFLOW_URL)')
    .option('--token <secret>', 'your secret (REVENUEFLOW_TOKEN); the environment is safer, since processes can be listed')
    .addOption(new Option('--format <format>', 'how to print').choices(FORMATS).default('table'))
    .option('--json', 'the same as --format json')
    .option('-o, --output <file>', 'write to a file that only you can read')
    .option('-q, --quiet', 'lists print ids only, other commands print no confirmation of success')
    .option('--utc', 'times in UTC instead of the zone of this machine');

  addLeadCommands(program, session);
  addDeadLetterCommands(program, session);
  addRejectionCommands(program, session);
  addQueueCommands(program, session);
  addSlaCommand(program, session);
  addCostsCommand(program, session);
  addOutcomeCommands(program, session);
  addScoreCommand(program, session);
  addTrialCommands(program, session);
  addRoutingCommands(program, session);
  addPeopleCommands(program, session);
  addAuditCommands(program, session);
  addCrmCommands(program, session);
  addMarketoCommands(program, session);
  addDatabaseCommands(program, session);
  addCompletionCommand(program, session);
  program
    .command('version')
    .description('print the version')
    .action(() => session.output.line(versionOf()));

  refuseExcessWords(program);

  program.addHelpText('after', `\n${helpTable('Examples', EXAMPLES)}\n${helpTable('Environment (or .env)', ENVIRONMENT)}`);
  const codes = Object.entries(EXIT_CODES).map(([name, code]): [string, string] => [
    String(code),
    EXIT_CODE_TEXTS[name as keyof typeof EXIT_CODES],
  ]);
  program.addHelpText('afterAll', `\n${helpTable('Exit codes', codes)}`);
  return { program, session };
}

function helpTable(title: string, rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [`${title}:`, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`), ''].join('\n');
}

/** Of the package that the CLI belongs to. */
function versionOf(): string {
  const file = join(import.meta.dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
