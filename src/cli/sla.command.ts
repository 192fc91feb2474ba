import { Command } from 'commander';
import type { SlaReport } from '../ops/sla.service.js';
import type { ServiceClient } from './http-client.js';
import { table } from './format-lead.js';

const BAR_WIDTH = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `ops sla`: are leads with sales in time, and will they be? */
export function slaCommand(client: () => ServiceClient, print: (document: unknown, text: () => string) => void): Command {
  return new Command('sla')
    .description('speed to lead, breaches, what waits and until when')
    .option('--minutes <n>', 'of the last so many minutes, at most 1440', '60')
    .action(async ({ minutes }: { minutes: string }) => {
      const report = await client().get<SlaReport>(`/ops/sla?minutes=${encodeURIComponent(minutes)}`);
      print(report, () => slaText(report));
    });
}

export function slaText(report: SlaReport): string {
  const { speedToLead, slaSeconds, windowMinutes, breaches, breached, stages, forecastSeconds } = report;
  const { count, p50, p95, p99, max } = speedToLead;
  const head = ['', 'p50', 'p95', 'p99', 'max', 'waiting', 'oldest', 'a second', 'drained in', 'held back by'];
  const rows = stages.map((stage) => [
    stage.name,
    ...[stage.p50, stage.p95, stage.p99, stage.max].map(shown),
    stage.backlog,
    shown(stage.backlog === 0 ? null : stage.oldestSeconds),
    stage.perSecond ?? 0,
    shown(stage.forecastSeconds),
    stage.heldBackBy ?? '',
  ]);
  const waiting = stages.reduce((sum, { backlog }) => sum + backlog, 0);
  rows.push(['speed to lead', ...[p50, p95, p99, max].map(shown), waiting, '', '', shown(forecastSeconds), '']);
  return [
    `${count} leads reached the CRM in the last ${windowMinutes} minutes. The SLA is ${shown(slaSeconds)}.`,
    breaches === 0
      ? 'No lead was later than that.'
      : `${breaches} ${breaches === 1 ? 'breach' : 'breaches'}: ${breached.synced} came late, ${breached.waiting} late ones still wait, ${breached.dead} were given up.`,
    table(head, rows),
    ...(count === 0 ? [] : [histogramText(report)]),
  ].join('\n');
}

/** One line a bucket, from the first that has leads to the last; the SLA is drawn where it falls. */
function histogramText({ histogram, slaSeconds }: SlaReport): string {
  const most = Math.max(...histogram.map(({ count }) => count));
  const width = String(most).length;
  const isFilled = ({ count }: { count: number }) => count > 0;
  const [first, last] = [histogram.findIndex(isFilled), histogram.findLastIndex(isFilled)];
  const lines = histogram.flatMap(({ upTo, count }, index) => {
    if (index < first || index > last) return [];
    const label = upTo === null ? `over ${shown(histogram.at(-2)?.upTo ?? null)}` : `up to ${shown(upTo)}`;
    const line = `${label.padStart(14)} │ ${String(count).padStart(width)} ${bar(count / most)}`;
    return upTo === slaSeconds && index < last ? [line, `${'SLA ─'.padStart(14)}─┤`] : [line];
  });
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Any lead at all shows. */
function bar(share: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * BAR_WIDTH * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/** 0.25 s, 4 min, 1.5 h; a dash where nobody can tell. */
function shown(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds < 1) return `${Number(seconds.toFixed(3))} s`;
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 7200) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}
