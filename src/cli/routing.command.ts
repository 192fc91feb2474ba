import { InvalidArgumentError, Option, type Command } from 'commander';
import type { z } from 'zod';
import type { RoutingCheck, RoutingDryRun, RoutingOverview, storedRulesSchema } from '../ops/routing/routing.schemas.js';
import { CommandError, EXIT_CODES } from './exit-codes.js';
import { addFirstTouchCommand } from './first-touch.command.js';
import { findLeads, findOneLead } from './find-ids.js';
import type { Journey } from './format-lead.js';
import {
  decisionText,
  MEMBER_COLUMNS,
  memberRows,
  OWNER_COLUMNS,
  overviewText,
  routingDryRunText,
  routingLines,
  VERSION_COLUMNS,
  type Simulation,
} from './format-routing.js';
import { tableOf, type Column } from './format-table.js';
import { jsonFile, jsonObject } from './json-file.js';
import { group, limitOption, refuseUnknownWords, yesOption } from './options.js';
import { readCount } from './paging.js';
import { readInstant } from './read-since.js';
import { importDirectory } from './routing-import.js';
import type { Session } from './session.js';

/** `routing …`: who owns a lead, and why. */
export function addRoutingCommands(program: Command, session: Session): void {
  const routing = program.command('routing').description('show who owns leads and why; check, try and activate routing rules');
  const { client, output } = lazily(session);

  const fairness = routing
    .command('fairness', { isDefault: true })
    .description('show whose turn it is in each pool, what each member had and its share, and why one gets no lead now')
    .action(async () => printOverview(session, await client().get<RoutingOverview>('/ops/routing')));
  refuseUnknownWords(fairness);
  addFirstTouchCommand(routing, session);

  routing
    .command('explain')
    .argument('<lead>', 'an id, the beginning of one, or an e-mail')
    .description('show the owner of a lead and each rule that was tried')
    .action(async (reference: string) => {
      const ids = await findLeads(client(), reference);
      const journeys = await Promise.all(ids.map((id) => client().get<Journey>(`/ops/leads/${id}`)));
      const found = journeys.map(({ id, routing: decided }) => ({ leadId: id, routing: decided ?? null }));
      await output().document(ids.length === 1 ? found[0] : found, () =>
        found
          .flatMap(({ leadId, routing: decided }) => [
            `Lead ${leadId}`,
            ...(decided ? routingLines(decided) : ['The routing rules decided nothing about this lead.']),
          ])
          .join('\n'),
      );
    });

  routing
    .command('simulate')
    .argument('<lead>', 'a file with one lead in JSON, or the JSON itself')
    .description('show the owner that a lead would get; nothing is stored and no turn is taken')
    .addOption(new Option('--at <time>', 'when the lead comes in, e.g. 2026-12-24T15:00:00Z').argParser(readInstant))
    .addOption(new Option('--rules <version>', 'a stored version; default: the active one').argParser(readCount))
    .action(async (lead: string, { at, rules: version }: { at?: string; rules?: number }) => {
      const given = lead.trimStart().startsWith('{') ? jsonObject(lead, 'The lead') : await jsonFile(lead);
      const body = { lead: given, ...(at ? { at } : {}), ...(version ? { version } : {}) };
      const answer = await client().post<Simulation>('/ops/routing/simulate', body);
      await output().document(answer, () => decisionText(answer));
    });

  routing
    .command('check')
    .argument('<file>', 'rules in JSON (docs/routing-rules.schema.json)')
    .description('check rules: errors, unreachable rules, unknown users, weights of zero, overlaps, empty pools')
    .action((file: string) => check(session, file));

  routing
    .command('dry-run')
    .argument('<rules>', 'a file, or the number of a stored version')
    .addOption(limitOption(200))
    .description('show who would own the newest leads by other rules, and the differences by owner')
    .action(async (rules: string, { limit }: { limit: number }) => {
      const by = /^\d+$/u.test(rules) ? { version: Number(rules) } : { rules: await jsonFile(rules) };
      const body = { ...by, limit: Math.min(limit, 1000) };
      const report = await client().post<RoutingDryRun>('/ops/routing/dry-run', body);
      await output().report(report, report.owners, { columns: OWNER_COLUMNS }, () => routingDryRunText(report, output().width));
    });
  addVersionCommands(routing, session);
  addOwnerCommands(routing, session);
}

function addVersionCommands(routing: Command, session: Session): void {
  const { client } = lazily(session);
  const rules = group(routing.command('rules').description('list, store and activate versions of the rules'));
  rules
    .command('list')
    .description('list the versions, the newest first')
    .action(async () => printVersions(session, await client().get<RoutingOverview>('/ops/routing')));
  rules
    .command('store')
    .argument('<file>', 'rules in JSON')
    .option('--note <text>', 'what changes', '')
    .description('store rules as a version; it is not active yet')
    .action(async (file: string, { note }: { note: string }) => {
      type Stored = z.output<typeof storedRulesSchema>;
      const stored = await client().post<Stored>('/ops/routing/rules', { rules: await jsonFile(file), note });
      await session.output.document(stored, () => `Version ${stored.version}${stored.isNew ? '' : ', which was stored before'}.`);
    });
  rules
    .command('activate')
    .argument('<version>', 'of the list', readCount)
    .addOption(yesOption())
    .description('let a version decide from now on')
    .action(async (version: number, { yes = false }: { yes?: boolean }) => {
      await session.confirm({ question: `Activate version ${version} of the routing rules?`, yes });
      await printVersions(session, await client().post<RoutingOverview>('/ops/routing/activate', { version }));
    });
  rules
    .command('rollback')
    .addOption(yesOption())
    .description('return to the version that was active before')
    .action(async ({ yes = false }: { yes?: boolean }) => {
      await session.confirm({ question: 'Return to the routing rules that were active before?', yes });
      await printVersions(session, await client().post<RoutingOverview>('/ops/routing/rollback', {}));
    });
}

function addOwnerCommands(routing: Command, session: Session): void {
  const { client } = lazily(session);
  routing
    .command('absences')
    .argument('<rep>', 'of the rules')
    .argument(
      '[absences...]',
      'days or local times: 2026-12-24..2026-12-31, 2026-12-24T13:00..2026-12-24T18:00',
      (text: string, before: Absence[]) => [...before, readAbsence(text)],
      [],
    )
    .description('replace the absences of a rep that operators entered; without absences, remove them')
    .action(async (rep: string, absences: Absence[]) => {
      await printOverview(session, await client().post<RoutingOverview>('/ops/routing/absences', { rep, absences }));
    });
  routing
    .command('reassign')
    .argument('<lead>', 'id, first characters of an id, or e-mail of one lead')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--to <owner>', 'a rep, or a user or queue of the CRM; without it the rules decide')
    .addOption(yesOption())
    .description('give a lead another owner, if the CRM still has the one that the rules set')
    .action(async (reference: string, { reason, to, yes = false }: { reason: string; to?: string; yes?: boolean }) => {
      const leadId = await findOneLead(client(), reference);
      await session.confirm({ question: `Reassign lead ${leadId}?`, yes });
      const asked = await client().post<{ id: string }>('/ops/routing/reassign', { leadId, reason, ...(to ? { to } : {}) });
      await session.output.document(
        asked,
        () => `A worker changes the owner; \`revenueflow routing explain ${leadId}\` shows it.`,
      );
    });
  routing
    .command('import')
    .argument('<file>', 'CSV with userId, name, email, active, managerId, timeZone; or accountId, ownerId, domains, …')
    .description('store users or accounts where the CRM is not Salesforce; it can be repeated')
    .action(async (file: string) => {
      const stored = await importDirectory(client(), file);
      await session.output.document(stored, () => `${stored.users} users and ${stored.accounts} accounts stored.`);
    });
}

/** Nothing is opened before a command runs. */
function lazily(session: Session) {
  return { client: () => session.client, output: () => session.output };
}

async function printOverview({ output }: Session, overview: RoutingOverview): Promise<void> {
  const rows = memberRows(overview);
  await output.report(overview, rows, { columns: MEMBER_COLUMNS }, () => overviewText(overview, output.width));
}

async function printVersions({ output }: Session, { versions }: RoutingOverview): Promise<void> {
  await output.report({ versions }, versions, { columns: VERSION_COLUMNS }, () =>
    versions.length === 0 ? 'There are no versions.' : tableOf(VERSION_COLUMNS, versions, output.width),
  );
}

const FINDING_COLUMNS: Column<{ kind: string; path: string; message: string }>[] = [
  { head: 'kind', field: 'kind', value: ({ kind }) => kind, rank: 8 },
  { head: 'where', field: 'path', value: ({ path }) => path, rank: 9 },
  { head: 'what', field: 'message', value: ({ message }) => message, min: 20, rank: 10 },
];

async function check(session: Session, file: string): Promise<void> {
  const { output } = session;
  const { report, compared } = await checked(session, await jsonFile(file));
  const rows = [
    ...report.problems.map((each) => ({ kind: 'problem', ...each })),
    ...report.warnings.map((each) => ({ kind: 'warning', ...each })),
  ];
  await output.report({ ...report, usersCompared: compared }, rows, { columns: FINDING_COLUMNS }, () => {
    const note = compared ? [] : ['The service did not answer, so the reps were not compared with the users of the CRM.'];
    const verdict = rows.length === 0 ? 'The rules are in order.' : tableOf(FINDING_COLUMNS, rows, output.width);
    return [verdict, ...note].join('\n');
  });
  if (report.problems.length > 0) session.exitCode = EXIT_CODES.failure;
}

/** By the service, which knows the users of the CRM; without it by this process. */
async function checked(
  { client }: Session,
  rules: Record<string, unknown>,
): Promise<{ report: RoutingCheck; compared: boolean }> {
  try {
    return { report: await client.post<RoutingCheck>('/ops/routing/check', { rules }), compared: true };
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT_CODES.unavailable) throw error;
    const [{ readRoutingRules }, { checkIntent }] = await Promise.all([
      import('../routing/rules.js'),
      import('../routing/check-rules.js'),
    ]);
    const read = readRoutingRules(rules);
    const report =
      'problems' in read ? { ...read, warnings: [] } : { problems: [], warnings: checkIntent(read.rules.source, null) };
    return { report, compared: false };
  }
}

type Absence = { from: string; to: string };

function readAbsence(text: string): Absence {
  const [from, to = from, ...rest] = text.split('..');
  if (!from || !to || rest.length > 0) throw new InvalidArgumentError('It must be 2026-12-24..2026-12-31.');
  return { from, to };
}
