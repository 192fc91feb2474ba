import { whyOpen, type BreakerReason, type StageRow } from '../flow-control/stage-row.js';
import type { Stage } from '../domain/lead-state.js';
import type { StageLoad } from '../ledger/sla.repository.js';

/** Leads that one message names; the others are counted. */
const NAMED = 10;

export interface HotLead {
  leadId: string;
  fitScore: number;
  intent: string;
  campaignId: string;
}

export interface NewDeadLetters {
  stage: string;
  code: string;
  count: number;
}

const WHAT_TO_DO: Record<BreakerReason, string> = {
  'dependency-down': 'The downstream does not answer. Leads wait and lose no attempt.',
  'rate-limited': 'The downstream has told us to wait. Leads wait and lose no attempt.',
  configuration: 'The downstream refuses us: correct the key, the permission or the field. Leads wait and lose no attempt.',
};

export function slaAtRisk(slaSeconds: number, oldest: number, loads: StageLoad[], forecast: number | null): string {
  const waiting = loads.map(({ stage, backlog }) => `${backlog} for ${stage}`).join(', ');
  const until = forecast === null ? 'nobody can tell when they are through' : `through in about ${Math.round(forecast)} s`;
  return (
    `Speed to lead at risk: the SLA is ${slaSeconds} s, the oldest lead that sales has not got has waited ${Math.round(oldest)} s. ` +
    `Waiting: ${waiting}; ${until}. Look: npm run ops -- sla`
  );
}

export function slaSafe(slaSeconds: number): string {
  return `Resolved: no lead waits beyond the SLA of ${slaSeconds} s any more.`;
}

export function breakerOpen(row: Pick<StageRow, 'stage' | 'reason' | 'code' | 'message' | 'answer'>): string {
  const { stage, reason, code, answer } = row;
  const sentences = [
    `The breaker of ${stage} is open (${[reason, code].filter((part) => part !== null).join(', ')}).`,
    reason && WHAT_TO_DO[reason],
    whyOpen(row),
    answer && `It answered: ${escaped(answer)}`,
    'Look: npm run ops -- queues',
  ];
  return sentences.filter((sentence) => sentence).join(' ');
}

export function breakerClosed(stage: Stage): string {
  return `Resolved: the breaker of ${stage} is closed.`;
}

export function deadLettersFound(found: NewDeadLetters[], total: number): string {
  const count = found.reduce((sum, group) => sum + group.count, 0);
  const groups = found.map((group) => `${group.count} × ${group.stage} ${group.code}`).join(', ');
  return `${count} new dead ${count === 1 ? 'letter' : 'letters'}: ${groups}. ${total} wait for somebody. Look: npm run ops -- dlq list`;
}

export function deadLettersGone(): string {
  return 'Resolved: no dead letter waits any more.';
}

/** Ids, scores and campaigns, and where an operator finds the rest: nothing that names the person. */
export function hotLeads(leads: HotLead[]): string {
  const lines = leads
    .slice(0, NAMED)
    .map(
      ({ leadId, fitScore, intent, campaignId }) =>
        `Hot lead: fit ${fitScore}, intent ${intent}, campaign ${escaped(campaignId)}: /ops/leads/${leadId}`,
    );
  if (leads.length > NAMED) lines.push(`And ${leads.length - NAMED} more hot leads: npm run ops -- leads`);
  return lines.join('\n');
}

/** The sender chose the campaign's name; `<!channel>` in it would call everybody. https://docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.slice(0, 300).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
