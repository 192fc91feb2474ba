import { whyOpen, type BreakerReason, type StageRow } from '../flow-control/stage-row.js';
import type { Notice } from '../flow-control/notices.repository.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import type { Stage } from '../domain/lead-state.js';
import type { StageLoad } from '../ledger/sla.repository.js';

/** Leads listed in one message; the others are counted. */
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
  'dependency-down': 'The downstream does not answer. Leads wait without using attempts.',
  'rate-limited': 'The downstream asked us to wait. Leads wait without using attempts.',
  configuration:
    'The downstream refuses our calls: correct the key, the permission or the field. Leads wait without using attempts.',
};

/** How long a limit lasts: minutes of waiting and a lost day are different alerts. */
const HOW_LONG: Partial<Record<ErrorCode, string>> = {
  CRM_DAILY_LIMIT_REACHED: 'The daily API limit is used up: calls come back over hours. Leads wait without using attempts.',
  CRM_RATE_LIMITED: 'Too many calls at the same time: that passes in seconds. Leads wait without using attempts.',
  AI_RATE_LIMITED: 'The model takes no more calls for now: that passes in seconds to minutes. Leads wait without using attempts.',
};

export function slaAtRisk(slaSeconds: number, oldest: number, loads: StageLoad[], forecast: number | null): string {
  const waiting = loads.map(({ stage, backlog }) => `${backlog} for ${stage}`).join(', ');
  const until = forecast === null ? 'no rate to predict when they are processed' : `processed in about ${Math.round(forecast)} s`;
  return (
    `Speed to lead at risk: the SLA is ${slaSeconds} s, the oldest lead without a CRM record has waited ${Math.round(oldest)} s. ` +
    `Waiting: ${waiting}; ${until}. Run: npx revenueflow sla`
  );
}

export function slaSafe(slaSeconds: number): string {
  return `Resolved: no lead waits longer than the SLA of ${slaSeconds} s.`;
}

export function breakerOpen(row: Pick<StageRow, 'stage' | 'reason' | 'code' | 'message' | 'answer'>): string {
  const { stage, reason, code, answer } = row;
  const sentences = [
    `The breaker of ${stage} is open (${[reason, code].filter((part) => part !== null).join(', ')}).`,
    (reason === 'rate-limited' && code && HOW_LONG[code]) || (reason && WHAT_TO_DO[reason]),
    whyOpen(row),
    answer && `It answered: ${escaped(answer)}`,
    'Run: npx revenueflow queues',
  ];
  return sentences.filter((sentence) => sentence).join(' ');
}

export function breakerClosed(stage: Stage): string {
  return `Resolved: the breaker of ${stage} is closed.`;
}

export function deadLettersFound(found: NewDeadLetters[], total: number): string {
  const count = found.reduce((sum, group) => sum + group.count, 0);
  const groups = found.map((group) => `${group.count} × ${group.stage} ${group.code}`).join(', ');
  return `${count} new dead ${count === 1 ? 'letter' : 'letters'}: ${groups}. ${total} wait for an operator. Run: npx revenueflow dead-letters list`;
}

/** Notices of workers that an operator has to act on, by kind: what is the case and what to do. */
const NOTICE_TEXTS: Record<string, (notice: Notice) => string> = {
  'assignment-skipped': ({ subject, reason }) =>
    `The owner of new Leads${subject === '' ? '' : `, user ${escaped(subject)},`} is inactive in Salesforce, or may not read Leads (by the ${escaped(reason)}): ` +
    'such Leads are created without this owner. Correct the rule or the map, and assign the Leads that were created meanwhile.',
  'owner-refused': ({ subject, reason }) =>
    `Salesforce refuses ${escaped(subject)} as the owner of new Leads (${escaped(reason)}): the routing rules gave them to others. ` +
    'Activate the user, give it access to Leads, or take it out of the rules.',
  'membership-missing': ({ subject, reason }) =>
    `Leads of campaign ${escaped(subject)} are written without a membership (${escaped(reason)}). ` +
    'Correct the campaign, then run: npx revenueflow crm memberships',
  'batch-reduced': ({ subject, reason }) =>
    `A trigger, flow or package of the org does not take larger batches of ${escaped(subject)} than ${escaped(reason)}: ` +
    'calls are kept to this size. Correct it, or lower CRM_BATCH_SIZE.',
  'owner-notices-undelivered': ({ subject, reason }) =>
    `Notices to owners are not delivered on the channel ${escaped(subject)}: ${escaped(reason)}. Leads do not wait, and owners ` +
    `do not learn of them. Check NOTICES_${escaped(subject.toUpperCase())}_URL.`,
  'first-touch-unreadable': ({ reason }) =>
    `The CRM does not say whether people acted on their leads (${escaped(reason)}): reminders and reassignments wait. ` +
    'Give the user of this service access to Lead, Task and Event.',
  'first-touch-late': ({ subject, reason }) =>
    `Leads of owner ${escaped(subject)} have had no first touch in time, and ${escaped(reason)}. ` +
    'Run: npx revenueflow routing first-touch',
  'no-other-owner': ({ subject, reason }) =>
    `Leads of owner ${escaped(subject)} shall go to another one (${escaped(reason)}), and the routing rules name none: ` +
    'the owner keeps them. Reassign them by hand, or add members to the pool. Run: npx revenueflow routing',
};

export const ALERTED_NOTICES = Object.keys(NOTICE_TEXTS);

export function noticesText(notices: Notice[]): string {
  return notices.map((notice) => NOTICE_TEXTS[notice.kind]!(notice)).join('\n');
}

export function deadLettersGone(): string {
  return 'Resolved: no dead letter is left.';
}

/** Ids, scores, campaigns and the addresses of the leads; no personal data. */
export function hotLeads(leads: HotLead[], addressOf: (leadId: string) => string): string {
  const lines = leads
    .slice(0, NAMED)
    .map(
      ({ leadId, fitScore, intent, campaignId }) =>
        `Hot lead: fit ${fitScore}, intent ${intent}, campaign ${escaped(campaignId)}: ${addressOf(leadId)}`,
    );
  if (leads.length > NAMED) lines.push(`And ${leads.length - NAMED} more hot leads: npx revenueflow leads`);
  return lines.join('\n');
}

/**
 * The sender chose the campaign's name; `<!channel>` in it would notify the whole channel.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
function escaped(text: string): string {
  return text.slice(0, 300).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
