import type { CrmOpportunityState, CrmPersonState } from '../crm/port.js';
import { SALESFORCE, type OutcomeKind, type PersonOutcome, type StatusKind } from './outcome.js';
import type { FollowedRecord, Observations } from './outcomes.repository.js';

/** Which statuses of a Lead mean what; the names in lower case. */
export type StatusKinds = ReadonlyMap<string, StatusKind>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far the calendar of the westernmost time zone is behind UTC. */
const LAST_ZONE_MS = 12 * HOUR_MS;
/** A closed opportunity may be opened again for so long. */
const REOPENED_WITHIN_MS = 30 * DAY_MS;

export function noObservations(): Observations {
  return { source: SALESFORCE, outcomes: [], merges: [], follow: [], read: [] };
}

/**
 * When something happened of which the CRM has the day alone: the last moment of that day in any time zone, and never
 * later than the record's change that shows it.
 */
export function momentOf(day: string, changedAt: string): string {
  const end = Date.parse(`${day}T00:00:00Z`) + DAY_MS + LAST_ZONE_MS - 1;
  return Number.isNaN(end) || end > Date.parse(changedAt) ? changedAt : new Date(end).toISOString();
}

/** What a person's record says of the person. */
export function observePerson(record: CrmPersonState, personKey: string, statusKinds: StatusKinds, seen: Observations): void {
  const { id: crmId, changedAt, convertedOn, opportunityId, deleted, mergedInto, status } = record;
  const add = (kind: OutcomeKind, at: string) => seen.outcomes.push(outcomeOf(personKey, crmId, kind, at));
  const statusKind = statusKinds.get((status ?? '').trim().toLowerCase());
  if (statusKind) add(statusKind, changedAt);
  if (convertedOn !== null) {
    const at = momentOf(convertedOn, changedAt);
    add('converted', at);
    if (opportunityId !== null) seen.follow.push({ object: 'Opportunity', crmId: opportunityId, personKey, since: at });
  }
  if (mergedInto) {
    add('merged', changedAt);
    if (mergedInto.personKey !== personKey)
      seen.merges.push({ personKey, into: mergedInto.personKey, crmId: mergedInto.id, at: changedAt });
  } else if (deleted) add('deleted', changedAt);
}

/** Records that a person's lead was merged into; those that were not answered have not changed. */
export function observeFollowedPersons(
  followed: FollowedRecord[],
  records: CrmPersonState[],
  statusKinds: StatusKinds,
): Observations {
  const seen = noObservations();
  const states = new Map(records.map((record) => [record.id, record]));
  for (const { crmId, personKey } of followed) {
    const state = states.get(crmId);
    if (state) observePerson(state, personKey, statusKinds, seen);
    seen.read.push({ crmId, ended: state !== undefined && (state.deleted || state.convertedOn !== null) });
  }
  return seen;
}

export function observeOpportunities(followed: FollowedRecord[], records: CrmOpportunityState[], nowMs: number): Observations {
  const seen = noObservations();
  const states = new Map(records.map((record) => [record.id, record]));
  for (const { crmId, personKey, since } of followed) {
    const state = states.get(crmId);
    if (!state) {
      seen.read.push({ crmId, ended: false });
      continue;
    }
    const { createdAt, changedAt, closesOn, amount, currency, deleted, state: stage } = state;
    const closedAt = closesOn === null ? changedAt : momentOf(closesOn, changedAt);
    // The person's conversion may have chosen an opportunity that was there before.
    const add = (kind: OutcomeKind, at: string) =>
      seen.outcomes.push({ ...outcomeOf(personKey, crmId, kind, at > since ? at : since), amount, currency });
    if (!deleted) {
      add('opportunity', createdAt);
      if (stage !== 'open') add(stage, closedAt);
    }
    const settled = stage !== 'open' && Date.parse(changedAt) < nowMs - REOPENED_WITHIN_MS;
    seen.read.push({ crmId, ended: deleted || settled });
  }
  return seen;
}

function outcomeOf(personKey: string, crmId: string, kind: OutcomeKind, at: string): PersonOutcome {
  return { personKey, crmId, kind, at, amount: null, currency: null };
}
