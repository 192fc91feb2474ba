import { pairsTable, tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import type { Times } from './format-time.js';

export interface ShownDeadLetter {
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

export interface Group {
  stage: string;
  code: string;
  class: string;
  signature: string | null;
  count: number;
  oldest: string;
  newest: string;
  example: string;
}

export function itemColumns(times: Times): Column<ShownDeadLetter>[] {
  return [
    { head: 'lead', field: 'id', value: ({ id }) => id, min: 8, rank: 10, isId: true },
    { head: 'name', field: 'name', value: ({ name }) => name, min: 8, rank: 4 },
    { head: 'e-mail', field: 'email', value: ({ email }) => email, min: 12, rank: 7 },
    { head: 'company', field: 'company', value: ({ attributes }) => attributes['company'], min: 8, rank: 3 },
    { head: 'stage', field: 'stage', value: ({ stage }) => stage, rank: 5 },
    { head: 'code', field: 'code', value: ({ code }) => code, min: 14, rank: 9 },
    { head: 'attempts', field: 'attempts', value: ({ attempts }) => attempts, rank: 1 },
    { head: 'died', field: 'diedAt', value: ({ diedAt }) => diedAt, cell: ({ diedAt }) => times.relative(diedAt), rank: 8 },
    { head: 'why', field: 'message', value: ({ message }) => message, min: 16, rank: 2 },
  ];
}

export function groupColumns(times: Times): Column<Group>[] {
  return [
    { head: 'count', field: 'count', value: ({ count }) => count, rank: 10 },
    { head: 'stage', field: 'stage', value: ({ stage }) => stage, rank: 8 },
    { head: 'code', field: 'code', value: ({ code }) => code, min: 16, rank: 9 },
    { head: 'class', field: 'class', value: (group) => group.class, rank: 3 },
    {
      head: 'signature',
      field: 'signature',
      value: ({ signature }) => signature,
      cell: ({ signature }) => signature ?? '-',
      min: 9,
      rank: 5,
    },
    { head: 'newest', field: 'newest', value: ({ newest }) => newest, cell: ({ newest }) => times.relative(newest), rank: 7 },
    { head: 'for example', field: 'example', value: ({ example }) => example, min: 8, rank: 6, isId: true },
  ];
}

export function groupsText(groups: Group[], columns: Column<Group>[], width: number): string {
  return groups.length === 0 ? 'There are no dead letters.' : tableOf(columns, groups, width);
}

export function letterText(letter: ShownDeadLetter, times: Times, width: number): string {
  const { name, email, campaignId, revision, diedAt, stage, attempts, code, message, signature, answer, attributes } = letter;
  return [
    `${name ?? '(no name)'} <${email}>, campaign ${campaignId}, revision ${revision}`,
    `died ${times.full(diedAt)} in ${stage} after ${counted(attempts, 'attempt')}`,
    `${code} (${letter.class}): ${message}`,
    ...(signature ? [`signature: ${signature}`] : []),
    ...(answer ? [`last answer: ${answer}`] : []),
    ...(Object.keys(attributes).length === 0 ? [] : [pairsTable(['field', 'value'], Object.entries(attributes), width)]),
  ].join('\n');
}
