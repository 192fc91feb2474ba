import type { CrmExchange, Lead, LeadEvent } from '../domain/lead.js';
import { withIsoTimes } from '../platform/iso-times.js';
import { whyOpen, type StageRow } from '../flow-control/stage-row.js';
import { IgnoredAttributes } from '../ledger/ignored-attributes.js';
import { describeVolatile, volatileAttributes } from '../ledger/volatile-attributes.js';
import { stageDueIn, type Stage } from '../domain/lead-state.js';

/** A lead as in GET /ops/leads/:id. What is not known yet is null. */
export function summaryOf(lead: Lead, attemptsAllowed: number, stages: StageRow[]) {
  const { enrichment } = lead;
  return {
    id: lead.id,
    state: lead.state,
    revision: lead.revision,
    fitScore: enrichment?.fitScore ?? null,
    intent: enrichment?.intent ?? null,
    confidence: enrichment?.confidence ?? null,
    reasoning: enrichment?.reasoning ?? null,
    evidence: enrichment?.evidence ?? [],
    scoreSource: enrichment?.scoreSource ?? null,
    needsRescore: enrichment?.needsRescore ?? false,
    flags: enrichment?.flags ?? [],
    attempts: lead.attempts,
    next: nextOf(lead, attemptsAllowed, stages),
    email: lead.email,
    name: lead.name,
    campaignId: lead.campaignId,
    attributes: lead.attributes,
    crm: lead.crm,
    timings: {
      receivedAt: lead.receivedAt,
      contentAt: lead.contentAt,
      enrichedAt: lead.enrichedAt,
      syncedAt: lead.syncedAt,
    },
    lastError: lead.lastError,
  };
}

/** The whole journey: the summary, hints, the last exchange with each CRM, and all events of the audit trail. */
export function journeyOf(
  lead: Lead,
  events: LeadEvent[],
  attemptsAllowed: number,
  stages: StageRow[],
  ignored = new IgnoredAttributes([]),
) {
  return {
    ...summaryOf(lead, attemptsAllowed, stages),
    hints: volatileAttributes(events, ignored).map(describeVolatile),
    exchanges: exchangesOf(events),
    events: events.map(withTimes),
  };
}

function withTimes(event: LeadEvent): LeadEvent {
  return { ...event, detail: withIsoTimes(event.detail) };
}

/** The newest exchange with each CRM. An exchange in which fields were sent is preferred. */
function exchangesOf(events: LeadEvent[]): (CrmExchange & { at: string })[] {
  const newest = new Map<string, CrmExchange & { at: string }>();
  for (const { at, detail } of events) {
    for (const exchange of (detail['exchanges'] ?? []) as CrmExchange[]) {
      const sent = Object.keys(exchange.lead.fields).length > 0;
      if (sent || !newest.has(exchange.provider)) newest.set(exchange.provider, { at, ...exchange });
    }
  }
  return [...newest.values()];
}

/** What happens to the lead next, and when; null where an operator must act first. */
function nextOf(lead: Lead, attemptsAllowed: number, stages: StageRow[]): { what: string; at: string | null } | null {
  const stage = stageDueIn(lead.state);
  if (stage === null) return rescoreOf(lead);
  const blocker = blockerOf(
    stage,
    stages.find((row) => row.stage === stage),
  );
  if (blocker) return blocker;
  const failures = lead.attempts[stage];
  if (failures === 0) return { what: `${stage}, as soon as a worker is free`, at: null };
  return { what: `${stage}, attempt ${failures + 1} of ${attemptsAllowed}`, at: lead.nextAttemptAt };
}

/** What blocks the whole stage, and with it this lead. */
function blockerOf(stage: Stage, row: StageRow | undefined): { what: string; at: string | null } | null {
  if (row?.pausedAt)
    return { what: `${stage}, once it is resumed: paused by ${row.pausedBy} at ${row.pausedAt.toISOString()}`, at: null };
  if (row?.breaker !== 'open' && row?.breaker !== 'half-open') return null;
  const since = row.openedAt ? ` since ${row.openedAt.toISOString()}` : '';
  const answered = row.answer ? ` It answered: ${row.answer}.` : '';
  return {
    what: `${stage}, once its breaker closes: open${since} (${row.reason}, ${row.code}). ${whyOpen(row)}${answered} Next probe`,
    at: row.probeAt?.toISOString() ?? null,
  };
}

/** A lead with a fallback score is already in the CRM and gets a better score later. */
function rescoreOf({ state, enrichment, rescore }: Lead): { what: string; at: string | null } | null {
  if (state !== 'synced' || !enrichment?.needsRescore || rescore.givenUp) return null;
  return { what: 're-score, when the scorer has capacity to spare', at: rescore.dueAt };
}
