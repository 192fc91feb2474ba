import type { CrmCheck } from '../crm/port.js';
import type { BackfillReport } from './crm-backfill.js';
import type { CompareReport } from './crm-compare.js';
import { pairsTable, tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';

type CheckLine = CrmCheck['lines'][number];
type Refused = BackfillReport['refused'][number];
type Difference = CompareReport['examples'][number];

const VERDICTS = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' };

export const CHECK_COLUMNS: Column<CheckLine>[] = [
  { head: 'field', field: 'subject', value: ({ subject }) => subject, min: 14, rank: 10 },
  { head: 'from', field: 'from', value: ({ from }) => from, min: 10, rank: 1 },
  { head: 'verdict', field: 'verdict', value: ({ verdict }) => verdict, cell: ({ verdict }) => VERDICTS[verdict], rank: 9 },
  { head: 'in the org', field: 'detail', value: ({ detail }) => detail, min: 20, rank: 8 },
];

export const REFUSED_COLUMNS: Column<Refused>[] = [
  { head: 'lead', field: 'leadId', value: ({ leadId }) => leadId, min: 8, rank: 3, isId: true },
  { head: 'why', field: 'reason', value: ({ reason }) => reason, min: 20, rank: 2 },
];

export const DIFFERENCE_COLUMNS: Column<Difference>[] = [
  { head: 'lead', field: 'leadId', value: ({ leadId }) => leadId, min: 8, rank: 10, isId: true },
  { head: 'field', field: 'field', value: ({ field }) => field, cell: ({ field }) => field ?? '(no record)', min: 10, rank: 9 },
  { head: 'ledger', field: 'expected', value: ({ expected }) => plain(expected), min: 10, rank: 7 },
  { head: 'CRM', field: 'actual', value: ({ actual }) => plain(actual), min: 10, rank: 8 },
];

export function checkText({ lines, sample }: CrmCheck, width: number): string {
  const problems = lines.filter(({ verdict }) => verdict === 'problem');
  const sum =
    problems.length === 0
      ? 'The org takes what this service writes.'
      : `${counted(problems.length, 'problem')}: correct the org or the field map.`;
  // A table cuts what does not fit; what must be corrected is said in full.
  const details = problems.map(({ subject, detail }) => `  ${subject}: ${detail}`);
  return [
    tableOf(CHECK_COLUMNS, lines, width),
    '',
    'A sample record:',
    JSON.stringify(sample, null, 2),
    '',
    sum,
    ...details,
  ].join('\n');
}

export function backfillText(report: BackfillReport, to: string, dryRun: boolean, width: number): string {
  const { leads, written, refusedCount } = report;
  const acts = Object.entries(report.acts).map(([act, count]) => `${count} ${act}`);
  const sum = dryRun
    ? `${counted(leads, 'lead is', 'leads are')} not in ${to}: ${written} would be written${acts.length > 0 ? ` (${acts.join(', ')})` : ''}, ` +
      `${refusedCount} would be refused or cut. Nothing was written.`
    : `${counted(leads, 'lead was', 'leads were')} not in ${to}: ${written} are now, ${refusedCount} were refused.`;
  return `${sum}${refusedText(report, width)}`;
}

export function membershipsText(report: BackfillReport, dryRun: boolean, width: number): string {
  const { leads, written, refusedCount } = report;
  const sum = dryRun
    ? `${counted(leads, 'lead has', 'leads have')} no membership: ${written} would get one, ${refusedCount} would not. Nothing was written.`
    : `${counted(leads, 'lead', 'leads')} had no membership: ${written} have one now, ${refusedCount} have none.`;
  return `${sum}${refusedText(report, width)}`;
}

function refusedText({ refused, refusedCount }: BackfillReport, width: number): string {
  if (refused.length === 0) return '';
  return `\n${tableOf(REFUSED_COLUMNS, refused, width)}${listedText(refused.length, refusedCount, 'refused lead')}`;
}

/** @param limit how many differences to list; the report holds the first of all. */
export function compareText(report: CompareReport, limit: number, width: number): string {
  const { persons, different, missing, fields, examples } = report;
  const sum = `${counted(persons, 'person', 'persons')} compared: ${persons - different} agree, ${different - missing} differ, ${missing} have no record.`;
  if (different === 0) return sum;
  const total = Object.values(fields).reduce((all, count) => all + count, 0);
  const listed = examples.slice(0, limit);
  return [
    sum,
    pairsTable(['field', 'differs for'], Object.entries(fields), width),
    `${tableOf(DIFFERENCE_COLUMNS, listed, width)}${listedText(listed.length, total, 'difference')}${
      listed.length < examples.length ? ` Add --limit all for the first ${examples.length}.` : ''
    }`,
  ].join('\n');
}

function listedText(listed: number, total: number, what: string): string {
  return listed < total ? `\n${listed} of ${counted(total, what)} are listed.` : '';
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  return ['string', 'number', 'boolean'].includes(typeof value) ? (value as string | number | boolean) : JSON.stringify(value);
}
