import { randomUUID } from 'node:crypto';

/** The most leads that one job of the queue names. */
export const LEADS_PER_JOB = 100;
/** Leads of one job are due within this time of each other, and none runs before it is due. */
const DUE_TOGETHER_MS = 100;
/** Leads of one job were received within this time of each other, so that an old lead does not precede fresh ones. */
const RECEIVED_TOGETHER_MS = 60_000;

/** A lead as a job names it. A job is outdated for a lead whose epoch has been raised since. */
export interface LeadReference {
  leadId: string;
  epoch: number;
}

/** What determines the place of a lead's job in its queue. */
export interface PlaceInQueue {
  /** When the lead's newest content was received. */
  contentAt: Date;
  /** The earliest time of the next attempt; null: at once. */
  nextAttemptAt: Date | null;
  /** A replay or a re-score, which runs after fresh leads. */
  lowPriority: boolean;
}

/** The id of a new job: a UUID whose order is the order of creation, as UUIDv7 (RFC 9562 § 5.7). */
export function newJobId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/**
 * The first 24 characters of new job ids, for a statement that numbers its jobs itself: it appends the number of the
 * job as 12 hex digits.
 */
export function newJobIdPrefix(): string {
  return newJobId().slice(0, 24);
}

/**
 * Assigns the items to jobs: at most LEADS_PER_JOB items of the same `groupOf` share a job.
 * @returns the job id of each item.
 */
export function jobIdsOf<T>(items: readonly T[], groupOf: (item: T) => string = () => ''): string[] {
  const groups = new Map<string, number[]>();
  for (const [index, item] of items.entries()) {
    const group = groupOf(item);
    const members = groups.get(group);
    if (members) members.push(index);
    else groups.set(group, [index]);
  }
  const ids: string[] = Array.from({ length: items.length });
  for (const indexes of groups.values()) {
    const jobs = Math.ceil(indexes.length / LEADS_PER_JOB);
    const perJob = Math.ceil(indexes.length / jobs);
    for (let from = 0; from < indexes.length; from += perJob) {
      const id = newJobId();
      for (const index of indexes.slice(from, from + perJob)) ids[index] = id;
    }
  }
  return ids;
}

/** Leads with the same group may share a job. */
export function groupOfPlace({ contentAt, nextAttemptAt, lowPriority }: PlaceInQueue): string {
  const due = nextAttemptAt ? Math.ceil(nextAttemptAt.getTime() / DUE_TOGETHER_MS) : 0;
  return `${lowPriority}|${due}|${Math.floor(contentAt.getTime() / RECEIVED_TOGETHER_MS)}`;
}
