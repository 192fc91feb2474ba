import type { Command } from 'commander';
import type { Column } from './format-table.js';
import type { Times } from './format-time.js';
import { limitOption, refuseUnknownWords, type ListOptions } from './options.js';
import { pagesOf, withQuery, type ItemPage } from './paging.js';
import type { Session } from './session.js';

interface ShownAct {
  id: string;
  at: string;
  who: string;
  act: string;
  detail: Record<string, unknown>;
}

interface AuditOptions extends ListOptions {
  who?: string;
  act?: string;
}

/** `audit …`: what operators did that concerns no single lead. */
export function addAuditCommands(program: Command, session: Session): void {
  const audit = program.command('audit').description('show what operators did');
  const list = audit
    .command('list', { isDefault: true })
    .description('list pauses, bulk replays, erasures and the like, newest first; acts on one lead are in its timeline')
    .option('--who <name>', 'only acts of this token')
    .option('--act <act>', 'only acts of this kind, e.g. pause')
    .addOption(limitOption())
    .action(({ who, act, limit }: AuditOptions) => {
      const { client, output, times } = session;
      const fetchPage = (size: number, cursor: string | null) =>
        client.get<ItemPage<ShownAct>>(withQuery('/ops/audit', { who, act, limit: size, cursor }));
      return output.list(pagesOf(fetchPage, limit), {
        columns: columnsOf(times),
        id: ({ id }) => id,
        empty: 'There are no such acts.',
        more: `The newest ${limit} acts are listed. For more, add --limit <n> or --limit all.`,
      });
    });
  refuseUnknownWords(list);
}

function columnsOf(times: Times): Column<ShownAct>[] {
  return [
    { head: 'when', field: 'at', value: ({ at }) => at, cell: ({ at }) => times.full(at), rank: 8 },
    { head: 'who', field: 'who', value: ({ who }) => who, min: 4, rank: 9 },
    { head: 'act', field: 'act', value: ({ act }) => act, min: 6, rank: 10 },
    { head: 'detail', field: 'detail', value: ({ detail }) => JSON.stringify(detail), cell: detailText, min: 12, rank: 6 },
  ];
}

/** `stage crm-sync, count 3`: without what is empty. */
function detailText({ detail }: ShownAct): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
