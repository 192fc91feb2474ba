import { Command } from 'commander';
import type { ServiceClient } from './http-client.js';
import { fieldsOf } from './parse-assignments.js';
import { table } from './format-lead.js';

interface ShownDeadLetter {
  id: string;
  stage: string;
  code: string;
  class: string;
  message: string;
  signature?: string;
  answer?: string;
  attempts: number;
  diedAt: string;
  email: string;
  name: string | null;
  campaignId: string;
  revision: number;
  attributes: Record<string, string>;
}

interface Group {
  stage: string;
  code: string;
  class: string;
  signature: string | null;
  count: number;
  oldest: string;
  newest: string;
  example: string;
}

type Print = (document: unknown, text: () => string) => void;

/** `ops dlq …`: what was given up, for whoever is to mend it. */
export function deadLetterCommands(client: () => ServiceClient, print: Print): Command {
  const dlq = new Command('dlq').description('the dead letters: leads that were given up');

  dlq
    .command('list')
    .description('grouped by what went wrong; one by one with --each')
    .option('--code <code>', 'with this error code (implies --each)')
    .option('--each', 'one line a lead')
    .option('--limit <n>', 'how many', '20')
    .action(async ({ code, each, limit }: { code?: string; each?: true; limit: string }) => {
      if (!code && !each) {
        const summary = await client().get<{ total: number; items: Group[] }>('/ops/dead-letters/summary');
        return print(summary, () => groupsText(summary.items));
      }
      const query = new URLSearchParams({ limit, ...(code ? { code } : {}) });
      const page = await client().get<{ items: ShownDeadLetter[] }>(`/ops/dead-letters?${query}`);
      print(page, () =>
        table(
          ['lead', 'stage', 'code', 'attempts', 'died', 'why'],
          page.items.map(({ id, stage, code: of, attempts, diedAt, message }) => [id, stage, of, attempts, diedAt, message]),
          [38, 12, 22, 10, 26, 50],
        ),
      );
    });

  dlq
    .command('show')
    .argument('<lead>')
    .description('one dead letter whole, with the last answer of the downstream')
    .action(async (id: string) => {
      const letter = await client().get<ShownDeadLetter>(`/ops/dead-letters/${encodeURIComponent(id)}`);
      print(letter, () => letterText(letter));
    });

  dlq
    .command('replay')
    .argument('[lead]', 'one lead; all of --code, or all with --all, without it')
    .option('--code <code>', 'all with this error code')
    .option('--all', 'all of them')
    .option('--limit <n>', 'at most so many, the longest dead first', '10000')
    .option('--per-second <n>', 'spread over time, so many leads a second')
    .description('takes leads up again where they died; those that have a score keep it')
    .action(
      async (
        id: string | undefined,
        { code, all, limit, perSecond }: { code?: string; all?: true; limit: string; perSecond?: string },
      ) => {
        if (id) {
          const answer = await client().post(`/ops/dead-letters/${encodeURIComponent(id)}/replay`, {});
          return print(answer, () => `The lead is on its way: npm run ops -- lead ${id}`);
        }
        if (!code && !all) throw new Error('Name a lead, or say --code <code> or --all.');
        const answer = await client().post<{ replaying: number }>('/ops/dead-letters/replay', {
          ...(code ? { code } : { all: true }),
          limit: Number(limit),
          ...(perSecond ? { perSecond: Number(perSecond) } : {}),
        });
        print(answer, () => `${answer.replaying} leads are on their way${perSecond ? `, ${perSecond} a second` : ''}.`);
      },
    );

  dlq
    .command('edit')
    .argument('<lead>')
    .requiredOption('--set <field=value...>', 'corrected fields')
    .option('--replay', 'and take it up again')
    .description('corrects fields; a new e-mail or campaign makes it a new lead')
    .action(async (id: string, { set, replay }: { set: string[]; replay?: true }) => {
      const path = `/ops/dead-letters/${encodeURIComponent(id)}`;
      const answer = await client().patch<{ status: string; leadId: string }>(path, fieldsOf(set));
      if (replay && answer.status !== 'replaced') await client().post(`${path}/replay`, {});
      print(answer, () => {
        if (answer.status === 'replaced') return `Taken as a new lead, ${answer.leadId}; the old one is discarded.`;
        if (answer.status === 'unchanged' && !replay) return 'The lead has these values already. Nothing was changed.';
        return replay ? 'Corrected, and on its way.' : `Corrected. Take it up again with: npm run ops -- dlq replay ${id}`;
      });
    });

  dlq
    .command('discard')
    .argument('<lead>')
    .requiredOption('--reason <text>', 'for the audit trail')
    .description('gives a lead up for good; a re-send of it is a duplicate unless its content has changed')
    .action(async (id: string, { reason }: { reason: string }) => {
      const answer = await client().post(`/ops/dead-letters/${encodeURIComponent(id)}/discard`, { reason });
      print(answer, () => 'Discarded.');
    });

  return dlq;
}

function groupsText(groups: Group[]): string {
  if (groups.length === 0) return 'There are no dead letters.';
  return table(
    ['count', 'stage', 'code', 'class', 'signature', 'newest', 'for example'],
    groups.map(({ count, stage, code, class: kind, signature, newest, example }) => [
      count,
      stage,
      code,
      kind,
      signature ?? '-',
      newest,
      example,
    ]),
  );
}

function letterText(letter: ShownDeadLetter): string {
  return [
    `${letter.name ?? '(no name)'} <${letter.email}>, campaign ${letter.campaignId}, revision ${letter.revision}`,
    `died ${letter.diedAt} in ${letter.stage} after ${letter.attempts} ${letter.attempts === 1 ? 'attempt' : 'attempts'}`,
    `${letter.code} (${letter.class}): ${letter.message}`,
    ...(letter.signature ? [`signature: ${letter.signature}`] : []),
    ...(letter.answer ? [`last answer: ${letter.answer}`] : []),
    table(['field', 'value'], Object.entries(letter.attributes), [30, 80]),
  ].join('\n');
}
