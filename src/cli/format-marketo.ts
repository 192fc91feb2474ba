import type { MarketoReport, ShownRun } from '../ops/marketo/marketo.service.js';
import type { MarketoCheckLine } from '../marketo/check-line.js';
import { pairsTable, tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import type { Times } from './format-time.js';

/** As the API sends it: times are texts. */
type Sent<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Sent<Item>[]
    : T extends object
      ? { [Key in keyof T]: Sent<T[Key]> }
      : T;
export type SentReport = Sent<MarketoReport>;
export type SentRun = Sent<ShownRun>;
export type MissingCall = SentReport['reconciliation']['missingCalls'][number];

export const CHECK_COLUMNS: Column<MarketoCheckLine>[] = [
  { head: 'verdict', field: 'verdict', value: ({ verdict }) => verdict, rank: 10 },
  { head: 'subject', field: 'subject', value: ({ subject }) => subject, min: 12, rank: 9 },
  { head: 'detail', field: 'detail', value: ({ detail }) => detail, min: 20, rank: 8 },
];

export const MISSING_COLUMNS: Column<MissingCall>[] = [
  { head: 'Marketo id', field: 'marketoId', value: ({ marketoId }) => marketoId, rank: 10 },
  { head: 'campaign', field: 'campaignId', value: ({ campaignId }) => campaignId, rank: 9 },
  { head: 'called at', field: 'at', value: ({ at }) => at, min: 12, rank: 8 },
  { head: 'Marketo says', field: 'failed', value: ({ failed }) => (failed ? 'failed' : 'succeeded'), rank: 7 },
  { head: 'why not repaired', field: 'reason', value: ({ reason }) => reason, min: 16, rank: 6 },
];

export function checkText(lines: MarketoCheckLine[], width: number): string {
  const problems = lines.filter(({ verdict }) => verdict === 'problem');
  const sum = problems.length === 0 ? 'Marketo and the webhook are set up well.' : `${counted(problems.length, 'problem')}:`;
  // A table cuts what does not fit; what must be corrected is said in full.
  const details = problems.map(({ subject, detail }) => `  ${subject}: ${detail}`);
  return [tableOf(CHECK_COLUMNS, lines, width), '', sum, ...details].join('\n');
}

export function reportText({ configured, writeBack, reconciliation }: SentReport, times: Times, width: number): string {
  const { quota } = writeBack;
  const since = writeBack.oldestOwedAt ? `, the oldest since ${times.relative(writeBack.oldestOwedAt)}` : '';
  const until = reconciliation.comparedUntil ? times.relative(reconciliation.comparedUntil) : 'never';
  const pairs: [string, string][] = [
    ['scores owed', `${writeBack.owed}${since}`],
    ['people written', String(writeBack.sent)],
    ['skipped, refused', `${writeBack.skipped}, ${writeBack.dead}`],
    ['quota of the day', quota ? `${quota.used} of ${quota.limit} calls used, stops at ${quota.stopsAt}` : 'not read yet'],
    ['comparison', `${reconciliation.mode}, webhook ${reconciliation.webhook ?? 'not named: set MARKETO_WEBHOOK'}`],
    ['compared until', until],
    ['whole days until', reconciliation.extractedUntil ? times.relative(reconciliation.extractedUntil) : 'never'],
    ['missing', String(reconciliation.missing)],
  ];
  return [
    configured ? '' : 'Marketo is not configured: set MARKETO_BASE_URL.\n',
    pairsTable(['Marketo', ''], pairs, width),
    ...[writeBack.stage, reconciliation.stage].flatMap(stageLines),
    ...writeBack.notWritten.map(
      ({ state, code, count, remedy }) => `${counted(count, 'person', 'people')} ${state}: ${code}. ${remedy ?? ''}`,
    ),
    ...(reconciliation.missingCalls.length > 0 ? [tableOf(MISSING_COLUMNS, reconciliation.missingCalls, width)] : []),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function stageLines({ name, paused, pausedBy, breaker }: SentReport['writeBack']['stage']): string[] {
  const pause = paused ? [`${name} is paused by ${pausedBy}.`] : [];
  return breaker.open ? [...pause, `${name}: ${breaker.problem}`] : pause;
}

export function runText(run: SentRun, width: number): string {
  const { from, to, classes, activities, calls, otherWebhooks, problem } = run;
  const [missing, unlogged] = [classes['missing'] ?? 0, classes['unlogged'] ?? 0];
  return [
    `${from} to ${to}: ${counted(activities, 'webhook call')} in Marketo's log, read with ${counted(calls, 'call')}.`,
    ...(Object.keys(classes).length > 0 ? [pairsTable(['class', 'calls'], Object.entries(classes), width)] : []),
    ...(activities === 0 && otherWebhooks.length > 0 ? [`Other webhooks in the log: ${otherWebhooks.join(', ')}.`] : []),
    ...(activities === 0 && unlogged > 0
      ? [`${counted(unlogged, 'lead')} of Marketo arrived, and its log has no call of ours: check MARKETO_WEBHOOK.`]
      : []),
    ...(problem ? [problem] : []),
    run.state === 'open' ? 'The run has not ended; a worker continues it.' : '',
    missing > 0 && run.mode === 'report' ? `${missing} are missing: run it again with --repair.` : '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}
