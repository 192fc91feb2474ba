import Table from 'cli-table3';
import type { journeyOf, summaryOf } from '../journey.js';

export type Journey = ReturnType<typeof journeyOf>;
export type Summary = ReturnType<typeof summaryOf>;

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
  const began = Date.parse(lead.timings.receivedAt);
  const events = lead.events.map(({ seq, at, kind, detail }) => [seq, at, `+${Date.parse(at) - began} ms`, kind, brief(detail)]);
  const lines = [
    `${lead.name ?? '(no name)'} <${lead.email}>, campaign ${lead.campaignId}, revision ${lead.revision}`,
    `${lead.state}${lead.next ? `; next: ${lead.next.what}${lead.next.at ? ` at ${lead.next.at}` : ''}` : ''}`,
    lead.fitScore === null
      ? 'not scored yet'
      : `fit ${lead.fitScore}, intent ${lead.intent} (${lead.scoreSource}): ${lead.reasoning}`,
    ...lead.evidence.map(
      ({ signal, points }) =>
        `  ${points === undefined ? '' : String(points > 0 ? `+${points}` : points).padStart(4)}  ${signal}`,
    ),
    lead.crm ? `CRM ${lead.crm.provider}: lead ${lead.crm.leadId}, member ${lead.crm.memberId ?? '-'}` : 'not in the CRM yet',
    ...(lead.lastError ? [`last error ${lead.lastError.code}: ${lead.lastError.message}`] : []),
    table(['#', 'at', 'after', 'what', 'detail'], events),
  ];
  return lines.join('\n');
}

function brief(detail: Record<string, unknown>): string {
  const shown = Object.entries(detail).filter(([key, value]) => value !== null && !['startedAt', 'at', 'stage'].includes(key));
  return shown.map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`).join(', ');
}
