import type { CrmOutcomeReader } from '../crm/port.js';
import type { Clock } from '../platform/clock.js';
import {
  observeFollowedPersons,
  observeOpportunities,
  observePerson,
  noObservations,
  type StatusKinds,
} from './crm-observations.js';
import { SALESFORCE } from './outcome.js';
import type { FollowedObject, FollowedRecord, Observations, OutcomesRepository, Position } from './outcomes.repository.js';

/** Rows become visible in Salesforce later than their SystemModstamp says: so much is read again each time. */
export const LOOK_BACK_MS = 300_000;
/** Pages of changes of one run; the next run follows at once. */
const MAX_PAGES = 50;
export const CURSOR = 'salesforce-leads';

export interface ReaderTools {
  repository: Pick<OutcomesRepository, 'position' | 'storePage' | 'storeFollowed' | 'followed'>;
  crm: CrmOutcomeReader;
  statusKinds: StatusKinds;
  clock: Clock;
}

/**
 * Reads what became of leads in the CRM: the persons' records that changed, then the records that are followed by id.
 * Each page is stored in one transaction with the cursor, so a process that ends between two steps loses nothing; and
 * a record that is read again adds nothing, so it doubles nothing.
 */
export class CrmOutcomesReader {
  private reached: { cursor: Position; at: number; settled: boolean } | null = null;

  constructor(private readonly tools: ReaderTools) {}

  /**
   * @returns whether there is more to read at once.
   * @throws AppError of the CRM or of the ledger; the next run goes on from there.
   */
  async read(signal: AbortSignal): Promise<boolean> {
    const { cursor, more } = await this.readChanges(signal);
    // The newest change that was read: a time of the CRM's clock, and not later than the answers that follow.
    for (const object of ['Lead', 'Opportunity'] as const)
      if (!signal.aborted) await this.readFollowed(object, cursor.at, signal);
    return more;
  }

  private async readChanges(signal: AbortSignal): Promise<{ cursor: Position; more: boolean }> {
    const { repository, crm, statusKinds, clock } = this.tools;
    const began = clock.now();
    const start = await repository.position(CURSOR);
    let cursor = start;
    let after = this.isSettled(start) ? start : { at: new Date(Date.parse(start.at) - LOOK_BACK_MS).toISOString(), id: '' };
    for (let pages = 0; pages < MAX_PAGES;) {
      const { records, more } = await crm.changedPersons(after, signal);
      const last = records.at(-1);
      if (last) {
        after = { at: last.changedAt, id: last.id };
        const seen = noObservations();
        for (const record of records) if (record.personKey !== null) observePerson(record, record.personKey, statusKinds, seen);
        const to = isLater(after, cursor) ? after : cursor;
        // Another process has read meanwhile, and its cursor counts.
        if (!(await repository.storePage(seen, { name: CURSOR, from: cursor, to }))) return { cursor, more: false };
        cursor = to;
      }
      if (!last || !more) {
        this.remember(cursor, began);
        return { cursor, more: false };
      }
      if (signal.aborted) return { cursor, more: false };
      // What is read again is not counted, or a mass change within the look-back would fill each run.
      if (isLater(after, start)) pages++;
    }
    return { cursor, more: true };
  }

  /** Whether all changes up to the cursor are known, so that none is read again while nothing changes. */
  private isSettled(cursor: Position): boolean {
    return this.reached !== null && this.reached.settled && isSame(this.reached.cursor, cursor);
  }

  /** A row that was not visible when the cursor was first reached is visible after the look-back. */
  private remember(cursor: Position, began: number): void {
    const { reached } = this;
    if (!reached || !isSame(reached.cursor, cursor)) this.reached = { cursor, at: this.tools.clock.now(), settled: false };
    else if (began - reached.at >= LOOK_BACK_MS) reached.settled = true;
  }

  /** Those that were read longest ago: where there are more than one call takes, all have their turn. */
  private async readFollowed(object: FollowedObject, readAt: string, signal: AbortSignal): Promise<void> {
    const { repository, crm } = this.tools;
    const followed = await repository.followed(SALESFORCE, object, crm.idsAtOnce);
    for (const records of [followed.filter(({ readAt }) => readAt === null), followed.filter(({ readAt }) => readAt !== null)]) {
      if (records.length === 0) continue;
      const ids = [...new Set(records.map(({ crmId }) => crmId))];
      const seen = await this.observe(object, ids, changedSince(records), records, signal);
      await repository.storeFollowed(seen, readAt);
    }
  }

  private async observe(
    object: FollowedObject,
    ids: string[],
    since: string | null,
    followed: FollowedRecord[],
    signal: AbortSignal,
  ): Promise<Observations> {
    const { crm, statusKinds, clock } = this.tools;
    return object === 'Lead'
      ? observeFollowedPersons(followed, await crm.persons(ids, since, signal), statusKinds)
      : observeOpportunities(followed, await crm.opportunities(ids, since, signal), clock.now());
  }
}

/** Null where the records were never read. */
function changedSince(records: FollowedRecord[]): string | null {
  const times = records.flatMap(({ readAt }) => (readAt === null ? [] : [Date.parse(readAt)]));
  return times.length === 0 ? null : new Date(Math.min(...times) - LOOK_BACK_MS).toISOString();
}

function isSame(a: Position, b: Position): boolean {
  return a.at === b.at && a.id === b.id;
}

function isLater(a: Position, b: Position): boolean {
  return a.at > b.at || (a.at === b.at && a.id > b.id);
}
