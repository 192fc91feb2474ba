import { ERROR_CATALOG, type ErrorCode } from '../domain/error-catalog.js';
import type { LeadEvent } from '../domain/lead.js';
import { eventSentence } from '../ops/event-sentence.js';
import type { summaryOf } from '../ops/lead-timeline.js';
import type { Journey } from '../ops/leads.service.js';
import type { Config } from '../platform/config/config.js';
import { crmLink } from '../platform/config/crm-link.js';
import type { Tone } from './components/badges.js';
import type { TimelineItem } from './components/timeline.js';
import type { LeadView } from './pages/lead.page.js';
import type { LeadItem } from './pages/leads.page.js';
import { maskedAttributes, maskedEmail, maskedName, personHider, withoutAddresses } from './personal-data.js';

const COMPANY = /^(?:.*\.)?(?:company|company_?name|organi[sz]ation|account_?name)$/i;

/** A lead as a row of the list. */
export function leadItemOf(lead: ReturnType<typeof summaryOf>, masked: boolean, owner: string | null = null): LeadItem {
  return {
    id: lead.id,
    name: masked ? maskedName(lead.name) : lead.name,
    email: masked ? maskedEmail(lead.email) : lead.email,
    company: companyOf(lead.attributes, masked),
    campaignId: lead.campaignId,
    state: lead.state,
    fitScore: lead.fitScore,
    intent: lead.intent,
    receivedAt: lead.timings.receivedAt,
    owner,
  };
}

function companyOf(attributes: Record<string, string>, masked: boolean): string | null {
  const company = Object.entries(attributes).find(([name]) => COMPANY.test(name))?.[1] ?? null;
  return masked && company !== null ? withoutAddresses(company) : company;
}

interface ViewOptions {
  masked: boolean;
  config: Pick<Config, 'CRM_PROVIDER' | 'SALESFORCE_LOGIN_URL'>;
}

/** A lead as its page shows it. */
export function leadViewOf(lead: Journey, { masked, config }: ViewOptions): LeadView {
  const { receivedAt } = lead.timings;
  const synced = lead.events.find(({ kind }) => kind === 'synced');
  const hide = masked ? personHider(lead) : (text: string) => text;
  return {
    id: lead.id,
    state: lead.state,
    revision: lead.revision,
    name: masked ? maskedName(lead.name) : lead.name,
    email: masked ? maskedEmail(lead.email) : lead.email,
    company: companyOf(lead.attributes, masked),
    campaignId: lead.campaignId,
    attributes: (masked ? maskedAttributes(lead.attributes) : Object.entries(lead.attributes)).slice(0, ATTRIBUTES),
    moreAttributes: Math.max(0, Object.keys(lead.attributes).length - ATTRIBUTES),
    masked,
    fitScore: lead.fitScore,
    band: lead.band,
    profile: lead.profile,
    trial: lead.trial,
    intent: lead.intent,
    confidence: lead.confidence,
    reasoning: lead.reasoning === null ? null : hide(lead.reasoning),
    evidence: lead.evidence.map((each) => ({ ...each, signal: hide(each.signal) })),
    scoreSource: lead.scoreSource,
    flags: lead.flags,
    needsRescore: lead.needsRescore,
    probability: lead.probability,
    outcomes: lead.outcomes,
    crm: lead.crm ? { ...lead.crm, href: crmLink(lead.crm.leadId, config) } : null,
    next: lead.next && { ...lead.next, what: hide(lead.next.what) },
    lastError: lead.lastError
      ? {
          code: lead.lastError.code,
          message: hide(lead.lastError.message),
          answer: lead.lastError.answer === undefined ? null : hide(lead.lastError.answer),
          remedy: ERROR_CATALOG[lead.lastError.code as ErrorCode]?.remedy ?? '',
        }
      : null,
    speedToLeadMs: synced ? Date.parse(synced.at) - Date.parse(receivedAt) : null,
    timeline: timelineOf(lead.events, masked).map((item) => ({ ...item, sentence: hide(item.sentence) })),
    routing: lead.routing && {
      ...lead.routing,
      steps: lead.routing.steps.map((step) => ({ ...step, why: hide(step.why) })),
    },
    firstTouch: lead.firstTouch,
    sent: masked
      ? []
      : lead.exchanges.map((exchange) => ({
          crm: exchange.provider,
          at: exchange.at,
          lead: { answer: exchange.lead.answer, fields: texts(exchange.lead.fields) },
          member: { answer: exchange.member.answer, fields: texts(exchange.member.fields) },
          contentOf: exchange.contentOf ?? null,
          notes: exchange.notes ?? [],
        })),
  };
}

/** Changed fields, and attributes, that a page shows. */
const CHANGES = 60;
const ATTRIBUTES = 100;

const TONES: Record<string, Tone> = {
  synced: 'good',
  'crm-updated': 'good',
  'attempt-failed': 'warn',
  'rescore-failed': 'warn',
  'dead-lettered': 'bad',
};

/** Items of a timeline that its page shows at its beginning and at its end. */
const FIRST = 20;
const LAST = 60;

/** What a page shows of a long history: the beginning and the end, with the number of events between them. */
export function shortened(items: TimelineItem[]): TimelineItem[] {
  if (items.length <= FIRST + LAST + 1) return items;
  const omitted = items.slice(FIRST, -LAST);
  const sentence = `${omitted.length} events are not shown here. GET /ops/leads/<id> has all.`;
  const gap = { at: omitted.at(-1)!.at, afterMs: null, sentence, tone: 'plain' as const, changes: [] };
  return [...items.slice(0, FIRST), gap, ...items.slice(-LAST)];
}

/** The same failure again and again is one item, which names the number and the time of the last. */
function withoutRepeats(events: LeadEvent[]): (LeadEvent & { repeated: number; lastAt: string })[] {
  const kept: (LeadEvent & { repeated: number; lastAt: string })[] = [];
  for (const event of events) {
    const before = kept.at(-1);
    const alike = before?.kind === event.kind && TONES[event.kind] === 'warn' && before.detail['code'] === event.detail['code'];
    if (alike) Object.assign(before, { repeated: before.repeated + 1, lastAt: event.at });
    else kept.push({ ...event, repeated: 0, lastAt: event.at });
  }
  return kept;
}

/** Events with the time since the one before. Changes of personal data are left out where it is masked. */
function timelineOf(all: LeadEvent[], masked: boolean): TimelineItem[] {
  const events = withoutRepeats(all);
  const items = events.map(({ at, kind, detail, repeated, lastAt }, index) => {
    const before = events[index - 1];
    const { changed, ...others } = detail as { changed?: Record<string, { from: unknown; to: unknown }> };
    const sentence = eventSentence(kind, { ...others, changed: {} }, (time) => time).replace(/: $/, '');
    return {
      at,
      afterMs: before ? Math.max(0, Date.parse(at) - Date.parse(before.lastAt)) : null,
      sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1) + (repeated > 0 ? again(repeated, lastAt) : ''),
      tone: TONES[kind] ?? 'accent',
      changes: masked
        ? []
        : Object.entries(changed ?? {}).map(([field, { from, to }]) => ({ field, from: text(from), to: text(to) })),
    };
  });
  return withFewChanges(shortened(items));
}

/** The newest changes in full; of an older event only their number, so that a page stays small. */
function withFewChanges(items: TimelineItem[]): TimelineItem[] {
  let left = CHANGES;
  return items
    .toReversed()
    .map((item) => {
      const { length } = item.changes;
      const changes = item.changes.slice(0, left);
      left -= changes.length;
      const more = length - changes.length;
      return more === 0 ? item : { ...item, changes, sentence: `${item.sentence} (${more} changed fields are not shown)` };
    })
    .toReversed();
}

function again(count: number, lastAt: string): string {
  return ` The same ${count === 1 ? 'once more' : `${count} times more`}, the last at ${lastAt}.`;
}

function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function texts(fields: Record<string, string | number | boolean>): [string, string][] {
  return Object.entries(fields).map(([name, value]) => [name, String(value)]);
}
