import Table from 'cli-table3';
import type { Followed, Journey } from './demo-follow.js';
import { unexpectedOf } from './demo-problems.js';
import type { Sent } from './demo-run.js';

export interface Summary {
  sent: number;
  accepted: number;
  duplicate: number;
  updated: number;
  rejected: number;
  unexpected: number;
  /** Leads that are in the CRM, and the number of persons they belong to. */
  synced: number;
  people: number;
}

export function summaryOf(sent: Sent[], leads: Followed[], fresh: boolean): Summary {
  const count = (outcome: string) => sent.filter((entry) => entry.outcome === outcome).length;
  const synced = leads.flatMap(({ journey }) => (journey?.state === 'synced' ? [journey] : []));
  return {
    sent: sent.length,
    accepted: count('accepted'),
    duplicate: count('duplicate'),
    updated: count('updated'),
    rejected: count('rejected'),
    unexpected: unexpectedOf(sent, fresh).length,
    synced: synced.length,
    people: new Set(synced.map(({ crm }) => crm?.leadId)).size,
  };
}

export function printReport(sent: Sent[], leads: Followed[], fresh: boolean): void {
  const print = (title: string, table: InstanceType<typeof Table>) => process.stdout.write(`\n${title}\n${table.toString()}\n`);
  print('Leads', leadsTable(leads));
  print('Recognised as known', repeatsTable(sent));
  print('Rejected', rejectedTable(sent));

  const summary = summaryOf(sent, leads, fresh);
  process.stdout.write(
    `\n${summary.sent} sent: ${summary.accepted} accepted, ${summary.duplicate} duplicates, ${summary.updated} updated, ` +
      `${summary.rejected} rejected, ${summary.unexpected} unexpected. ` +
      `${summary.synced} leads of ${summary.people} people are in the CRM.\n`,
  );
}

function leadsTable(leads: Followed[]): InstanceType<typeof Table> {
  const table = tableOf(
    ['lead', 'campaign', 'state', 'fit', 'intent', 'why', 'CRM lead', 'member', 'ms'],
    [18, 17, 10, 5, 9, widthLeft(96), 11, 11, 7],
  );
  for (const { leadId, journey } of leads) {
    if (journey === null) {
      table.push([shortId(leadId), '-', 'unseen', '-', '-', '-', '-', '-', '-']);
      continue;
    }
    table.push([
      journey.name ?? shortMail(journey.email),
      journey.campaignId,
      journey.state,
      String(journey.fitScore ?? '-'),
      journey.intent ?? '-',
      cut(journey.reasoning ?? '-', 160),
      shortId(journey.crm?.leadId),
      shortId(journey.crm?.memberId),
      String(millisecondsOf(journey) ?? '-'),
    ]);
  }
  return table;
}

function repeatsTable(sent: Sent[]): InstanceType<typeof Table> {
  const table = tableOf(['answer', 'sample', 'recognised by', 'lead'], [11, 44, widthLeft(71), 11]);
  for (const [index, entry] of sent.entries()) {
    if (entry.outcome !== 'duplicate' && entry.outcome !== 'updated') continue;
    const known = sent.findIndex(({ leadId }) => leadId === entry.leadId);
    const key = known < index ? `e-mail and campaign of sample ${known + 1}` : 'e-mail and campaign, known before this run';
    const change = entry.outcome === 'updated' ? `other content: revision ${entry.revision ?? '?'}` : 'same content: nothing new';
    table.push([entry.outcome, `${index + 1}. ${entry.webhook.note}`, `${key}; ${change}`, shortId(entry.leadId)]);
  }
  return table;
}

function rejectedTable(sent: Sent[]): InstanceType<typeof Table> {
  const table = tableOf(['status', 'sample', 'what the answer said'], [8, 44, widthLeft(56)]);
  for (const [index, { outcome, status, webhook, detail }] of sent.entries()) {
    if (outcome === 'rejected') table.push([String(status), `${index + 1}. ${webhook.note}`, detail ?? '']);
  }
  return table;
}

function tableOf(head: string[], colWidths: number[]): InstanceType<typeof Table> {
  return new Table({ head, colWidths, wordWrap: true, style: { head: [], border: [], compact: true } });
}

/** The width that remains for the widest column, within limits. */
function widthLeft(others: number): number {
  return Math.min(90, Math.max(30, (process.stdout.columns ?? 144) - others));
}

/** From the receipt of the newest content, because a revision is a new reason to act. */
function millisecondsOf({ timings }: Journey): number | null {
  if (timings.syncedAt === null) return null;
  return Date.parse(timings.syncedAt) - Date.parse(timings.contentAt ?? timings.receivedAt);
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function shortMail(email: string): string {
  return email.replace(/^(..).*@/, '$1…@');
}

function shortId(id: string | null | undefined): string {
  return id ? `${id.slice(0, 7)}…` : '-';
}
