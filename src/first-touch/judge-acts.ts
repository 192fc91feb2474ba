import type { CrmLeadActs } from '../crm/port.js';
import { to18 } from '../domain/salesforce-id.js';
import type { FirstTouchPolicy } from '../routing/first-touch.schema.js';
import type { OpenClock, Touch } from './clocks.repository.js';

export type Verdict =
  /** The CRM does not show the record, so nothing is known of it. */
  | { kind: 'unknown' }
  /** `entryStatus`: the status that a person has not left; to be remembered where the clock has none. */
  | { kind: 'untouched'; entryStatus: string | null }
  | { kind: 'touched'; touch: Touch; at: Date; activityId?: string }
  | { kind: 'owner-changed' }
  | { kind: 'gone' };

/** The times of the CRM have seconds. */
const SECOND_MS = 1000;
/** The clocks of the CRM and of this service may differ by so much. */
const CLOCKS_APART_MS = 60_000;

type Clock = Pick<OpenClock, 'startedAt' | 'decidedAt' | 'ownerId' | 'entryStatus'>;

/** Whether a person has acted on a lead since its clock started. */
export function judgeActs(
  clock: Clock,
  acts: CrmLeadActs | undefined,
  { entryStatuses }: Pick<FirstTouchPolicy, 'entryStatuses'>,
): Verdict {
  if (!acts) return { kind: 'unknown' };
  const since = Math.floor(clock.startedAt.getTime() / SECOND_MS) * SECOND_MS;
  const activity = acts.activities.find(({ at }) => Date.parse(at) >= since);
  if (activity) return { kind: 'touched', touch: activity.kind, at: new Date(activity.at), activityId: activity.id };
  // The record changed since, which only an act can have done; the clock of the CRM may be behind ours.
  const changedAt = new Date(Math.max(Date.parse(acts.changedAt), clock.startedAt.getTime()));
  if (acts.converted) return { kind: 'touched', touch: 'converted', at: changedAt };
  const entryStatus = entryStatusOf(clock, acts, entryStatuses);
  if (acts.status !== null && entryStatus !== null && !sameText(acts.status, entryStatus) && !isEntry(acts.status, entryStatuses))
    return { kind: 'touched', touch: 'status', at: changedAt };
  if (acts.deleted) return { kind: 'gone' };
  if (to18(acts.ownerId) !== to18(clock.ownerId)) return { kind: 'owner-changed' };
  return { kind: 'untouched', entryStatus };
}

/**
 * The status that shows that no person has acted. A record that is older than the decision may have any status, so
 * leaving that one counts. A new record starts with a status of the list; with another one, a person was fast.
 */
function entryStatusOf(clock: Clock, acts: CrmLeadActs, entryStatuses: string[] | undefined): string | null {
  if (clock.entryStatus !== null || acts.status === null) return clock.entryStatus;
  const isNew = Date.parse(acts.createdAt) >= clock.decidedAt.getTime() - CLOCKS_APART_MS;
  if (isNew && entryStatuses?.[0] !== undefined && !isEntry(acts.status, entryStatuses)) return entryStatuses[0];
  return acts.status;
}

function isEntry(status: string, entryStatuses: string[] | undefined): boolean {
  return entryStatuses?.some((entry) => sameText(entry, status)) ?? false;
}

const sameText = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase();
