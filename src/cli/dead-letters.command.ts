import { Option, type Command } from 'commander';
import { confirmAndReplayMany, readReplayTarget, type ReplayManyOptions } from './dead-letters-replay.js';
import { usageError } from './exit-codes.js';
import { findOneLead } from './find-ids.js';
import { groupColumns, groupsText, itemColumns, letterText, type Group, type ShownDeadLetter } from './format-dead-letter.js';
import { group, limitOption, refuseUnknownWords, yesOption, type ListOptions } from './options.js';
import { pagesOf, readCount, readPositive, withQuery, type ItemPage } from './paging.js';
import { correctionsOf } from './parse-assignments.js';
import type { Session } from './session.js';

const LEAD_ARGUMENT = ['<lead>', 'id, first characters of an id, or e-mail'] as const;

/** `dead-letters …`, and the older `dlq …`, which asks for no confirmation where there is no terminal. */
export function addDeadLetterCommands(program: Command, session: Session): void {
  const letters = program.command('dead-letters').description('list, edit, replay and discard dead-lettered leads');
  const list = letters
    .command('list', { isDefault: true })
    .description('list dead letters, newest first')
    .option('--code <code>', 'only those with this error code')
    .addOption(limitOption())
    .action((options: ListOptions & { code?: string }) => listLetters(session, options));
  refuseUnknownWords(list);
  letters
    .command('summary')
    .description('count dead letters by stage, error code and signature')
    .action(() => summarise(session));
  addGet(letters.command('get'), session);
  addActs(letters, session, false);

  const old = group(program.command('dlq', { hidden: true }).description('older name of "dead-letters"'));
  old
    .command('list')
    .description('"dead-letters summary"; with --each or --code "dead-letters list"')
    .option('--code <code>', 'only those with this error code (implies --each)')
    .option('--each', 'one line per lead')
    .addOption(limitOption())
    .action((options: ListOptions & { code?: string; each?: true }) =>
      options.code || options.each ? listLetters(session, options) : summarise(session),
    );
  addGet(old.command('show'), session);
  addActs(old, session, true);
}

function addGet(command: Command, session: Session): void {
  command
    .argument(...LEAD_ARGUMENT)
    .description('show a dead letter with the last answer of the downstream')
    .action(async (reference: string) => {
      const { client, output, times } = session;
      const id = await findOneLead(client, reference, 'dead');
      const letter = await client.get<ShownDeadLetter>(`/ops/dead-letters/${id}`);
      await output.document(letter, () => letterText(letter, times, output.width));
    });
}

function addActs(parent: Command, session: Session, isOldName: boolean): void {
  parent
    .command('edit')
    .argument(...LEAD_ARGUMENT)
    .option('--set <field=value...>', 'corrected fields')
    .option('--attribute <name=value...>', 'attributes that the lead does not have yet')
    .option('--replay', 'replay the lead as well')
    .description('correct fields; a new e-mail or campaign makes it a new lead')
    .action((reference: string, options: EditOptions) => edit(session, reference, options));

  parent
    .command('replay')
    .argument('[lead]', 'id, first characters of an id, or e-mail of one lead')
    .option('--code <code>', 'all with this error code')
    .option('--all', 'all dead letters')
    .addOption(new Option('--limit <n>', 'at most so many, the oldest first').argParser(readCount).default(10_000))
    .addOption(new Option('--per-second <n>', 'spread over time: so many leads per second').argParser(readPositive))
    .option('--dry-run', 'show what would be replayed, and change nothing')
    .addOption(yesOption())
    .description('retry dead-lettered leads in the stage that failed; existing scores are kept')
    .action(async (reference: string | undefined, options: ReplayManyOptions) => {
      if (readReplayTarget(reference, options) === 'many') return confirmAndReplayMany(session, options, isOldName);
      const { client, output } = session;
      const id = await findOneLead(client, reference!, 'dead');
      if (options.dryRun) {
        const letter = await client.get<ShownDeadLetter>(`/ops/dead-letters/${id}`);
        return output.document({ replaying: 1, dryRun: true, items: [letter] }, () => `Would replay ${id}.`);
      }
      const answer = await client.post(`/ops/dead-letters/${id}/replay`, {});
      await output.done(answer, () => `Replay queued. Follow it with: revenueflow leads get ${id}`);
    });

  parent
    .command('discard')
    .argument(...LEAD_ARGUMENT)
    .requiredOption('--reason <text>', 'for the audit trail (required)')
    .addOption(yesOption())
    .description('discard a lead for good; sending it again counts as a duplicate unless its content has changed')
    .action(async (reference: string, { reason, yes = false }: { reason: string; yes?: boolean }) => {
      const { client, output } = session;
      const id = await findOneLead(client, reference, 'dead');
      const { name, email, code } = await client.get<ShownDeadLetter>(`/ops/dead-letters/${id}`);
      const what = `${name ?? '(no name)'} <${email}>, ${code}`;
      await session.confirm({ question: `Discard the dead letter of ${what}? This cannot be undone.`, yes, isOldName });
      const answer = await client.post(`/ops/dead-letters/${id}/discard`, { reason });
      await output.done(answer, () => 'Discarded.');
    });
}

async function listLetters({ client, output, times }: Session, { code, limit }: ListOptions & { code?: string }): Promise<void> {
  const fetchPage = (size: number, cursor: string | null) =>
    client.get<ItemPage<ShownDeadLetter>>(withQuery('/ops/dead-letters', { code, limit: size, cursor }));
  await output.list(pagesOf(fetchPage, limit), {
    columns: itemColumns(times),
    id: ({ id }) => id,
    empty: code ? `There are no dead letters with the code ${code}.` : 'There are no dead letters.',
    more: `The newest ${limit} dead letters are listed. For more, add --limit <n> or --limit all.`,
  });
}

async function summarise({ client, output, times }: Session): Promise<void> {
  const summary = await client.get<{ total: number; items: Group[] }>('/ops/dead-letters/summary');
  const columns = groupColumns(times);
  await output.report(summary, summary.items, { columns }, () => groupsText(summary.items, columns, output.width));
}

interface EditOptions {
  set?: string[];
  attribute?: string[];
  replay?: true;
}

async function edit(session: Session, reference: string, { set, attribute, replay }: EditOptions): Promise<void> {
  const { client, output } = session;
  if (!set && !attribute) throw usageError('Say what to correct: --set <field=value> or --attribute <name=value>.');
  const fields = correctionsOf(set, attribute);
  const path = `/ops/dead-letters/${await findOneLead(client, reference, 'dead')}`;
  const answer = await client.patch<{ status: string; leadId: string }>(path, fields);
  if (replay && answer.status !== 'replaced') await client.post(`${path}/replay`, {});
  await output.done(answer, () => {
    if (answer.status === 'replaced') return `Accepted as a new lead, ${answer.leadId}. The old one is discarded.`;
    if (answer.status === 'unchanged') {
      return replay ? 'Nothing to update. Replay queued.' : 'The lead has these values already. Nothing was changed.';
    }
    return replay ? 'Updated. Replay queued.' : `Updated. Replay it with: revenueflow dead-letters replay ${answer.leadId}`;
  });
}
