import type { journeyOf, summaryOf } from '../ops/lead-timeline.js';
import type { Journey as AnsweredJourney } from '../ops/leads.service.js';
import type { SentFields } from '../domain/lead.js';
import type { ShownClock } from '../first-touch/first-touch-report.repository.js';
import { routingLines } from './format-routing.js';
import { exchangeLines, sentLines } from './format-crm-writes.js';
import { eventSentence } from '../ops/event-sentence.js';
import type { Times } from './format-time.js';

/** A service of an earlier version answers none of the optional fields. */
export type Journey = ReturnType<typeof journeyOf> &
  Partial<Pick<AnsweredJourney, 'outcomes' | 'probability' | 'band' | 'profile' | 'trial' | 'routing' | 'firstTouch'>>;
export type Summary = ReturnType<typeof summaryOf>;

/** A lead in full: its state, why it has its score, what comes next, and its timeline. */
export function journeyText(lead: Journey, times: Times, width = Infinity): string {
  const lines = [
    `${lead.name ?? '(no name)'} <${lead.email}>, campaign ${lead.campaignId}, revision ${lead.revision}`,
    `${lead.state}${whatComesNext(lead, times)}`,
    '',
    ...scoreLines(lead),
    '',
    lead.crm ? `CRM ${lead.crm.provider}: lead ${lead.crm.leadId}, member ${lead.crm.memberId ?? 'none'}` : 'Not in the CRM yet.',
    ...exchangeLines(lead.exchanges, times.full),
    ...(lead.routing ? routingLines(lead.routing) : []),
    ...outcomeLines(lead, times),
    ...firstTouchLines(lead.firstTouch ?? [], times),
    ...(lead.lastError ? [`Last error: ${lead.lastError.code}: ${lead.lastError.message}`] : []),
    ...lead.hints.map((hint) => `Hint: ${hint}`),
    '',
    ...timelineLines(lead.events, times, width),
  ];
  return lines.join('\n');
}

/** With the time until then: how long to wait is the usual question. */
function whatComesNext({ id, state, next }: Journey, times: Times): string {
  if (!next) return state === 'dead' ? `; a dead letter: see \`revenueflow dead-letters get ${id}\`` : '';
  const what = next.what.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => times.full(at));
  if (!next.at) return `; next: ${what}`;
  const ms = Date.parse(next.at) - Date.now();
  return `; next: ${what} at ${times.full(next.at)}${ms > 0 ? `, in ${elapsed(ms)}` : ''}`;
}

function scoreLines(lead: Journey): string[] {
  if (lead.fitScore === null) return ['Not scored yet.'];
  return [
    `Fit ${lead.fitScore}${lead.band ? ` (${lead.band}, profile ${lead.profile})` : ''}, intent ${lead.intent}, by ${lead.scoreSource}: ${lead.reasoning}`,
    ...lead.evidence.map(({ signal, polarity, points }) => {
      const weight =
        points === undefined ? { positive: '+', negative: '-', neutral: '·' }[polarity] : `${points > 0 ? '+' : ''}${points}`;
      return `  ${weight.padStart(4)}  ${signal}`;
    }),
    ...(lead.flags.length > 0 ? [`  flags: ${lead.flags.join(', ')}`] : []),
    ...(lead.trial ? [`  ${armSentence(lead.trial)}`] : []),
    ...(lead.probability
      ? [`  converts with a probability of ${lead.probability.value} (calibration ${lead.probability.calibration})`]
      : []),
  ];
}

function armSentence({ id, arm, failed }: NonNullable<AnsweredJourney['trial']>): string {
  if (failed !== undefined) return `trial ${id}: the challenger gave no score (${failed}), so it is the champion's`;
  return `trial ${id}: the score of the ${arm}`;
}

function outcomeLines({ outcomes = [] }: Journey, times: Times): string[] {
  return outcomes.map(({ kind, at, amount, currency, source }) => {
    const sum = amount === null ? '' : `, ${amount}${currency === null ? '' : ` ${currency}`}`;
    return `Outcome: ${kind} at ${times.full(at)}${sum} (${source})`;
  });
}

/** One line per event: when, how long after the one before it, and what happened; under it what the CRM was sent. */
function timelineLines(events: Journey['events'], times: Times, terminal: number): string[] {
  const sentBefore = new Map<string, SentFields>();
  const zones = new Set(events.map(({ at }) => times.zone(at)));
  // A change to or from daylight saving time: one heading cannot name both offsets.
  const clock = (at: string) => (zones.size === 1 ? times.clock(at) : `${times.clock(at)} ${times.zone(at)}`);
  const clocks = events.map(({ at }) => clock(at));
  const width = Math.max(0, ...clocks.map((text) => text.length));
  const lines = events.flatMap(({ at, kind, detail }, index) => {
    const before = events[index - 1];
    const after = before ? `+${elapsed(Date.parse(at) - Date.parse(before.at))}` : '';
    const line = `${clocks[index]!.padEnd(width)}  ${after.padStart(9)}  `;
    return [`${line}${eventSentence(kind, detail, clock)}`, ...sentLines(detail, sentBefore, line.length, terminal)];
  });
  return [zones.size === 1 ? `Timeline (times in ${[...zones][0]})` : 'Timeline', ...lines];
}

function elapsed(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(0)} min`;
}

/** The clocks of a lead until the first touch, one line each, with their steps below. */
function firstTouchLines(clocks: ShownClock[], times: Times): string[] {
  return clocks.flatMap((clock) => [
    `First touch: owner ${clock.ownerId}, ${clock.slaMinutes} min of working time, ${clockState(clock, times)}`,
    ...clock.steps.map(({ kind, dueAt, outcome }) => `  ${kind}, due ${times.full(dueAt)}: ${outcome ?? 'open'}`),
  ]);
}

function clockState({ startedAt, dueAt, touch, touchedAt, businessMinutes, endReason }: ShownClock, times: Times): string {
  if (touchedAt !== null && businessMinutes !== null)
    return `${touch} after ${businessMinutes.toFixed(1)} min, at ${times.full(touchedAt)}`;
  if (endReason !== null) return `ended: ${endReason}`;
  return startedAt === null || dueAt === null ? 'not in the CRM yet' : `due ${times.full(dueAt)}`;
}
