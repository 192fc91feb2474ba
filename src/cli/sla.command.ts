import { Option, type Command } from 'commander';
import type { SlaReport } from '../ops/sla.service.js';
import { tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import { refuseUnknownWords } from './options.js';
import { readCount, withQuery } from './paging.js';
import type { Session } from './session.js';

const BAR_WIDTH = 40;
/** The label, the line and a count of six digits beside a bar. */
const BESIDE_BAR = 26;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

interface StageRow {
  name: string;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
  backlog: number;
  oldestSeconds: number | null;
  perSecond: number | null;
  forecastSeconds: number | null;
  heldBackBy: string | null;
}

/** `sla`: do leads reach sales in time, and will they? */
export function addSlaCommand(program: Command, session: Session): void {
  const sla = program.command('sla').description('show speed-to-lead percentiles, SLA breaches and backlog');
  const show = sla
    .command('show', { isDefault: true })
    .description('show speed-to-lead percentiles, SLA breaches and backlog')
    .addOption(new Option('--minutes <n>', 'of the last n minutes, at most 1440').argParser(readCount).default(60))
    .action(async ({ minutes }: { minutes: number }) => {
      const { client, output } = session;
      const report = await client.get<SlaReport>(withQuery('/ops/sla', { minutes }));
      await output.report(report, rowsOf(report), { columns: COLUMNS }, () => slaText(report, output.width));
    });
  refuseUnknownWords(show);
}

const duration = (head: string, field: keyof StageRow, rank: number): Column<StageRow> => ({
  head,
  field,
  value: (row) => row[field],
  cell: (row) => shown(row[field] as number | null),
  rank,
});

const COLUMNS: Column<StageRow>[] = [
  { head: '', field: 'name', value: ({ name }) => name, rank: 10 },
  duration('p50', 'p50', 6),
  duration('p95', 'p95', 7),
  duration('p99', 'p99', 4),
  duration('max', 'max', 2),
  { head: 'waiting', field: 'backlog', value: ({ backlog }) => backlog, rank: 9 },
  duration('oldest', 'oldestSeconds', 5),
  { head: 'per second', field: 'perSecond', value: ({ perSecond }) => perSecond, rank: 1 },
  duration('drained in', 'forecastSeconds', 8),
  { head: 'blocked by', field: 'heldBackBy', value: ({ heldBackBy }) => heldBackBy, rank: 3 },
];

/** The stages, and the whole way under them. */
function rowsOf({ stages, speedToLead: { p50, p95, p99, max }, forecastSeconds }: SlaReport): StageRow[] {
  const backlog = stages.reduce((sum, stage) => sum + stage.backlog, 0);
  const whole = { name: 'speed to lead', p50, p95, p99, max, backlog, forecastSeconds };
  return [
    ...stages.map((stage) => ({ ...stage, oldestSeconds: stage.backlog === 0 ? null : stage.oldestSeconds })),
    { ...whole, oldestSeconds: null, perSecond: null, heldBackBy: null },
  ];
}

export function slaText(report: SlaReport, width = Infinity): string {
  const { speedToLead, slaSeconds, windowMinutes, breaches, breached } = report;
  const { count } = speedToLead;
  return [
    `${counted(count, 'lead')} reached the CRM in the last ${counted(windowMinutes, 'minute')}. The SLA is ${shown(slaSeconds)}.`,
    breaches === 0
      ? 'No lead was later than that.'
      : `${counted(breaches, 'breach', 'breaches')}: ${breached.synced} arrived late, ${breached.waiting} late and still waiting, ${breached.dead} dead-lettered.`,
    tableOf(COLUMNS, rowsOf(report), width),
    ...(count === 0 ? [] : [histogramText(report, Math.min(BAR_WIDTH, Math.max(1, width - BESIDE_BAR)))]),
  ].join('\n');
}

/** One line per bucket, from the first that has leads to the last; the SLA is drawn where it falls. */
function histogramText({ histogram, slaSeconds }: SlaReport, barWidth: number): string {
  const most = Math.max(...histogram.map(({ count }) => count));
  const width = String(most).length;
  const isFilled = ({ count }: { count: number }) => count > 0;
  const [first, last] = [histogram.findIndex(isFilled), histogram.findLastIndex(isFilled)];
  const lines = histogram.flatMap(({ upTo, count }, index) => {
    if (index < first || index > last) return [];
    const label = upTo === null ? `over ${shown(histogram.at(-2)?.upTo ?? null)}` : `up to ${shown(upTo)}`;
    const line = `${label.padStart(14)} │ ${String(count).padStart(width)} ${bar(count / most, barWidth)}`;
    return upTo === slaSeconds && index < last ? [line, `${'SLA ─'.padStart(14)}─┤`] : [line];
  });
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** At least an eighth of a column where there is a lead. */
function bar(share: number, barWidth: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * barWidth * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/** 0.25 s, 4 min, 1.5 h; a dash where it is unknown. */
function shown(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds < 1) return `${Number(seconds.toFixed(3))} s`;
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 7200) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}
