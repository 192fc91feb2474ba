import { Option, type Command } from 'commander';
import { findRejection } from './find-ids.js';
import { pairsTable, tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import type { Times } from './format-time.js';
import { usageError } from './exit-codes.js';
import { limitOption, refuseUnknownWords, yesOption, type ListOptions } from './options.js';
import { pagesOf, readCount, withQuery, type ItemPage } from './paging.js';
import { correctionsOf } from './parse-assignments.js';
import type { Session } from './session.js';

interface ShownRejection {
  id: string;
  receivedAt: string;
  contentType: string;
  code: string;
  detail: string;
  problems?: { path: string; message: string }[];
  body: string;
  replayedAs: string | null;
}

interface Replayed {
  id?: string;
  status: string;
  leadId?: string;
  detail?: string;
}

interface ReplayOptions {
  set?: string[];
  attribute?: string[];
  charset?: string;
  all?: true;
  limit: number;
  dryRun?: true;
  yes?: boolean;
}

/** `rejections …`: requests that were refused for their content. */
export function addRejectionCommands(program: Command, session: Session): void {
  const rejections = program.command('rejections').description('list and replay webhooks that were refused for their content');

  const list = rejections
    .command('list', { isDefault: true })
    .description('list refused requests with their bodies, newest first')
    .addOption(limitOption())
    .action(({ limit }: ListOptions) => listRejections(session, limit));
  refuseUnknownWords(list);

  rejections
    .command('get')
    .argument('<rejection>', 'id, or first characters of an id')
    .description('show a refused request with its whole body')
    .action(async (reference: string) => {
      const { client, output, times } = session;
      const rejection = await findRejection<ShownRejection>(client, reference);
      await output.document(rejection, () => rejectionText(rejection, times, output.width));
    });

  rejections
    .command('replay')
    .argument('[rejection]', 'id, or first characters of an id; without it all open rejections')
    .option('--set <field=value...>', 'corrected fields, for one rejection')
    .option('--attribute <name=value...>', 'attributes that the request does not have yet, for one rejection')
    .option('--charset <name>', 'of the body, e.g. windows-1252, where its Content-Type names none or a wrong one')
    .option('--all', 'all open rejections, which is also the meaning without an id')
    .addOption(new Option('--limit <n>', 'at most so many, the oldest first').argParser(readCount).default(1000))
    .option('--dry-run', 'show what would be replayed, and change nothing')
    .addOption(yesOption())
    .description('process refused requests again, with corrected fields or as they are')
    .action((reference: string | undefined, options: ReplayOptions) =>
      reference === undefined ? replayMany(session, options) : replayOne(session, reference, options),
    );
}

function fetcher({ client }: Session) {
  return (limit: number, cursor: string | null) =>
    client.get<ItemPage<ShownRejection>>(withQuery('/ops/rejections', { limit, cursor }));
}

async function listRejections(session: Session, limit: number): Promise<void> {
  await session.output.list(pagesOf(fetcher(session), limit), {
    columns: columnsOf(session.times),
    id: ({ id }) => id,
    empty: 'There are no rejections.',
    more: `The newest ${limit} rejections are listed. For more, add --limit <n> or --limit all.`,
  });
}

async function replayOne(
  session: Session,
  reference: string,
  { set, attribute, charset, all, dryRun }: ReplayOptions,
): Promise<void> {
  if (all) throw usageError('Use one of: a rejection, --all.');
  const corrected = correctionsOf(set, attribute);
  const { client, output } = session;
  const { id } = await findRejection<ShownRejection>(client, reference);
  if (dryRun) return output.document({ replaying: 1, dryRun: true, items: [id] }, () => `Would replay ${id}.`);
  await printReplayed(session, [await client.post<Replayed>(withQuery(`/ops/rejections/${id}/replay`, { charset }), corrected)]);
}

async function replayMany(
  session: Session,
  { set, attribute, charset, limit, dryRun, yes = false }: ReplayOptions,
): Promise<void> {
  if (set ?? attribute) throw usageError('--set and --attribute correct one rejection: give its id.');
  const { client, output, times } = session;
  if (dryRun) {
    const open = await openRejections(session, limit);
    return output.report({ replaying: open.length, dryRun: true, items: open }, open, { columns: columnsOf(times) }, () =>
      [`Would replay ${counted(open.length, 'rejection')}.`]
        .concat(open.length === 0 ? [] : [tableOf(columnsOf(times), open, output.width)])
        .join('\n'),
    );
  }
  // Without a terminal this runs as it always did: sending a request again is idempotent.
  await session.confirm({ question: 'Replay all open rejections?', yes, isOldName: true });
  const { items } = await client.post<{ items: Replayed[] }>('/ops/rejections/replay', {
    all: true,
    limit,
    ...(charset ? { charset } : {}),
  });
  await printReplayed(session, items);
}

/** Oldest first, as the service replays them. */
async function openRejections(session: Session, limit: number): Promise<ShownRejection[]> {
  const open: ShownRejection[] = [];
  for await (const { items } of pagesOf(fetcher(session), Infinity)) open.push(...items.filter(({ replayedAs }) => !replayedAs));
  return open.toReversed().slice(0, limit);
}

async function printReplayed({ output }: Session, items: Replayed[]): Promise<void> {
  if (output.isQuiet) return;
  const columns: Column<Replayed>[] = [
    { head: 'answer', field: 'status', value: ({ status }) => status, rank: 2 },
    { head: 'lead or reason', field: 'result', value: ({ leadId, detail }) => leadId ?? detail, min: 20, rank: 3 },
  ];
  await output.report(items, items, { columns }, () =>
    items.length === 0 ? 'There are no open rejections.' : tableOf(columns, items, output.width),
  );
}

function columnsOf(times: Times): Column<ShownRejection>[] {
  return [
    { head: 'rejection', field: 'id', value: ({ id }) => id, min: 9, rank: 10, isId: true },
    {
      head: 'received',
      field: 'receivedAt',
      value: ({ receivedAt }) => receivedAt,
      cell: ({ receivedAt }) => times.relative(receivedAt),
      rank: 6,
    },
    { head: 'status', field: 'status', value: ({ replayedAs }) => (replayedAs ? 'replayed' : 'open'), rank: 8 },
    { head: 'why', field: 'detail', value: ({ detail }) => detail, min: 16, rank: 9 },
    { head: 'body', field: 'body', value: ({ body }) => body, min: 12, rank: 4 },
  ];
}

function rejectionText(rejection: ShownRejection, times: Times, width: number): string {
  const { id, receivedAt, contentType, code, detail, problems = [], replayedAs, body } = rejection;
  const pairs: [string, string][] = [
    ['received', `${times.full(receivedAt)} (${times.relative(receivedAt)})`],
    ['status', replayedAs ? `replayed as lead ${replayedAs}` : 'open'],
    ['content type', contentType],
    ['code', code],
  ];
  return [
    `Rejection ${id}`,
    pairsTable(['field', 'value'], pairs, width),
    detail,
    ...problems.map(({ path, message }) => `  ${path}: ${message}`),
    'Body:',
    body,
  ].join('\n');
}
