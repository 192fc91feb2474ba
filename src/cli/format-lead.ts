import Table from 'cli-table3';
import type { journeyOf, summaryOf } from '../ops/lead-timeline.js';
import type { SentFields } from '../domain/lead.js';
import { clock, tellEvent } from './format-event.js';
import { exchangeLines, sentLines } from './format-crm-writes.js';

export type Journey = ReturnType<typeof journeyOf>;
export type Summary = ReturnType<typeof summaryOf>;

/** What a sender wrote must not steer the operator's terminal: control characters, and those that turn the direction of the text. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

export function table(head: string[], rows: (string | number)[][], colWidths?: number[]): string {
  const made = new Table({
    head,
    ...(colWidths ? { colWidths } : {}),
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows);
  return made.toString();
}

export function leadsTable(leads: Summary[]): string {
  if (leads.length === 0) return 'There are no such leads.';
  const rows = leads.map((lead) => [
    lead.id,
    lead.state,
    lead.fitScore ?? '-',
    lead.intent ?? '-',
    lead.campaignId,
    lead.timings.receivedAt,
    lead.lastError?.code ?? '',
  ]);
  return table(['lead', 'state', 'fit', 'intent', 'campaign', 'received', 'last error'], rows);
}

/** The journey as a story: where it is, why it has its score, what happened when, what comes next. */
export function journeyText(lead: Journey): string {
  const lines = [
    `${lead.name ?? '(no name)'} <${lead.email}>, campaign ${lead.campaignId}, revision ${lead.revision}`,
    `${lead.state}${whatComesNext(lead)}`,
    '',
    ...scoreLines(lead),
    '',
    lead.crm ? `CRM ${lead.crm.provider}: lead ${lead.crm.leadId}, member ${lead.crm.memberId ?? 'none'}` : 'Not in the CRM yet.',
    ...exchangeLines(lead.exchanges, clock),
    ...(lead.lastError ? [`Last error: ${lead.lastError.code}: ${lead.lastError.message}`] : []),
    ...lead.hints.map((hint) => `Hint: ${hint}`),
    '',
    ...storyOf(lead.events),
  ];
  return lines.join('\n');
}

/** With the time until then: that is what whoever waits for it wants to know. */
function whatComesNext({ state, next }: Journey): string {
  if (!next) return state === 'dead' ? '; nothing follows until somebody corrects, replays or discards it (ops dlq)' : '';
  if (!next.at) return `; next: ${next.what}`;
  const ms = Date.parse(next.at) - Date.now();
  return `; next: ${next.what} at ${clock(next.at)}${ms > 0 ? `, in ${durationText(ms)}` : ''}`;
}

function scoreLines(lead: Journey): string[] {
  if (lead.fitScore === null) return ['Not scored yet.'];
  return [
    `Fit ${lead.fitScore}, intent ${lead.intent}, by ${lead.scoreSource}: ${lead.reasoning}`,
    ...lead.evidence.map(({ signal, polarity, points }) => {
      const weight =
        points === undefined ? { positive: '+', negative: '-', neutral: '·' }[polarity] : `${points > 0 ? '+' : ''}${points}`;
      return `  ${weight.padStart(4)}  ${signal}`;
    }),
    ...(lead.flags.length > 0 ? [`  flags: ${lead.flags.join(', ')}`] : []),
  ];
}

/** A line an event: when, how long after the one before it, and what happened in words; under it what the CRM was sent. */
function storyOf(events: Journey['events']): string[] {
  const sentBefore = new Map<string, SentFields>();
  const clocks = events.map(({ at }) => clock(at));
  const width = Math.max(...clocks.map((text) => text.length));
  return events.flatMap(({ at, kind, detail }, index) => {
    const before = events[index - 1];
    const after = before ? `+${durationText(Date.parse(at) - Date.parse(before.at))}` : '';
    const line = `${clocks[index]!.padEnd(width)}  ${after.padStart(9)}  `;
    return [`${line}${tellEvent(kind, detail)}`, ...sentLines(detail, sentBefore, line.length)];
  });
}

function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(0)} min`;
}
