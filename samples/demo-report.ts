import Table from 'cli-table3';
import type { Journey, Sent } from './demo-run.js';

export function printReport(sent: Sent[], leads: Journey[]): void {
  const print = (title: string, table: InstanceType<typeof Table>) => process.stdout.write(`\n${title}\n${table.toString()}\n`);

  const scored = tableOf(
    ['lead', 'campaign', 'state', 'fit', 'intent', 'why', 'CRM lead', 'member', 'ms'],
    [18, 16, 8, 5, 9, 46, 12, 12, 6],
  );
  for (const lead of leads) {
    scored.push([
      lead.name ?? shortMail(lead.email),
      lead.campaignId,
      lead.state,
      String(lead.fitScore ?? '-'),
      lead.intent ?? '-',
      lead.reasoning ?? '-',
      shortId(lead.crm?.leadId),
      shortId(lead.crm?.memberId),
      String(millisecondsOf(lead) ?? '-'),
    ]);
  }
  print('Leads', scored);

  const repeats = tableOf(['answer', 'why', 'lead id'], [12, 76, 38]);
  for (const { outcome, webhook, leadId } of sent) {
    if (outcome === 'duplicate' || outcome === 'updated') repeats.push([outcome, webhook.note, leadId]);
  }
  print('Recognised as known', repeats);

  const rejected = tableOf(['status', 'sample', 'what the answer said'], [8, 40, 78]);
  for (const { outcome, status, webhook, detail } of sent) {
    if (outcome === 'rejected') rejected.push([String(status), webhook.note, detail ?? '']);
  }
  print('Rejected', rejected);

  const count = (outcome: string) => sent.filter((entry) => entry.outcome === outcome).length;
  const people = new Set(leads.map((lead) => lead.crm?.leadId)).size;
  process.stdout.write(
    `\n${sent.length} webhooks: ${count('accepted')} accepted, ${count('updated')} updated, ${count('duplicate')} duplicate, ` +
      `${count('rejected')} rejected. ${leads.length} leads of ${people} people are in the CRM.\n`,
  );
}

/** What was not as it should be, a sentence each. A service that has seen the samples before may answer otherwise. */
export function problemsOf(sent: Sent[], leads: Journey[], fresh: boolean): string[] {
  const unexpected = sent.filter(({ outcome, webhook }) => outcome !== webhook.expect);
  return [
    ...(fresh ? unexpected : []).map(
      ({ outcome, webhook, status }) => `"${webhook.note}" was ${outcome} (${status}), and should have been ${webhook.expect}.`,
    ),
    ...leads
      .filter(({ state }) => state !== 'synced')
      .map(({ id, state }) => `Lead ${id} is ${state} and not in the CRM: see GET /ops/leads/${id}.`),
  ];
}

function tableOf(head: string[], colWidths: number[]): InstanceType<typeof Table> {
  return new Table({ head, colWidths, wordWrap: true, style: { head: [], border: [], compact: true } });
}

function millisecondsOf({ timings }: Journey): number | null {
  return timings.syncedAt === null ? null : Date.parse(timings.syncedAt) - Date.parse(timings.contentAt);
}

function shortMail(email: string): string {
  return email.replace(/^(..).*@/, '$1…@');
}

function shortId(id: string | null | undefined): string {
  return id ? `${id.slice(0, 8)}…` : '-';
}
