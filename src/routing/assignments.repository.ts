import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import type { StoredTrace } from './trace.js';

/** Why an assignment ended. For the first three the pool's member is owed another lead. */
export const END_REASONS = [
  'junk',
  'not-mine',
  'not-needed',
  'owner-inactive',
  'owner-refused',
  'reassigned',
  'changed-in-crm',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** The member is owed another lead: this one was none, was returned, or was never written. */
const CREDITED: ReadonlySet<string> = new Set<EndReason>(['junk', 'not-mine', 'not-needed']);

/** Who owns a lead by a decision of the rules, and why. */
export interface Assignment {
  /** A decimal number; later decisions have greater ones. */
  id: string;
  leadId: string;
  /** Hexadecimal. */
  personKey: string;
  revision: number;
  /** The user or queue in the CRM. */
  ownerId: string;
  /** The rep of the rules; null for a queue, and for an owner whom the rules do not name. */
  rep: string | null;
  pool: string | null;
  rule: string;
  rulesVersion: number;
  band: string | null;
  trace: StoredTrace;
  decidedAt: Date;
  /** When the CRM was seen with this owner; null: not yet. */
  writtenAt: Date | null;
  endedAt: Date | null;
  endReason: string | null;
}

export const ASSIGNMENT = `a.id, a.lead_id AS "leadId", encode(a.person_key, 'hex') AS "personKey", a.revision,
  a.owner_id AS "ownerId", a.rep, a.pool, a.rule, a.rules_version AS "rulesVersion", a.band, a.trace,
  a.decided_at AS "decidedAt", a.written_at AS "writtenAt", a.ended_at AS "endedAt", a.end_reason AS "endReason"`;

const END = `
WITH ended AS (
  UPDATE routing.assignments SET ended_at = clock_timestamp(), end_reason = $2
  WHERE id = $1 AND ended_at IS NULL
  RETURNING pool, rep
), credited AS (
  UPDATE routing.pool_turns t SET credit = t.credit + 1, assigned = greatest(0, t.assigned - 1)
  FROM ended WHERE $3 AND t.pool = ended.pool AND t.rep = ended.rep
)
SELECT FROM ended`;

/** One decision at a time in all processes: a decision reads the turns that the one before it has written. */
export const DECISION_LOCK = 0x7e5e_0024;

/** Decisions about owners. They are only added to; what may change is whether one is written or has ended. */
@Injectable()
export class AssignmentsRepository {
  constructor(private readonly database: Database) {}

  /** The decision that stands; null where the lead has none. */
  async current(leadId: string): Promise<Assignment | null> {
    const text = `SELECT ${ASSIGNMENT} FROM routing.assignments a WHERE a.lead_id = $1 AND a.ended_at IS NULL`;
    return (await this.database.query<AssignmentRow>(text, [leadId])).rows[0] ?? null;
  }

  /** The newest 50 decisions about a lead, the oldest first. */
  async ofLead(leadId: string): Promise<Assignment[]> {
    const text = `SELECT ${ASSIGNMENT} FROM routing.assignments a WHERE a.lead_id = $1 ORDER BY a.id DESC LIMIT 50`;
    return (await this.database.query<AssignmentRow>(text, [leadId])).rows.toReversed();
  }

  /**
   * Decisions after one, in their order. A decision is committed before the next one is numbered, so none is missed.
   * @param after the id of the last one that was read; '0' for all.
   */
  async sinceDecided(after: string, limit: number): Promise<Assignment[]> {
    const text = `SELECT ${ASSIGNMENT} FROM routing.assignments a WHERE a.id > $1 ORDER BY a.id LIMIT $2`;
    return (await this.database.query<AssignmentRow>(text, [after, limit])).rows;
  }

  /**
   * The newest first.
   * @param before the id of the last one of the page before; null for the first page.
   * @param ownerId null for all owners.
   */
  async page(limit: number, before: string | null, ownerId: string | null): Promise<Assignment[]> {
    const text = `SELECT ${ASSIGNMENT} FROM routing.assignments a
      WHERE a.id < $2 ${ownerId === null ? '' : 'AND a.owner_id = $3'} ORDER BY a.id DESC LIMIT $1`;
    const values = [limit, before ?? '9223372036854775807', ...(ownerId === null ? [] : [ownerId])];
    return (await this.database.query<AssignmentRow>(text, values)).rows;
  }

  /** The current owner of each of these leads. */
  async ownersOf(leadIds: string[]): Promise<Map<string, { ownerId: string; rep: string | null }>> {
    const { rows } = await this.database.query<{ leadId: string; ownerId: string; rep: string | null }>(
      `SELECT lead_id AS "leadId", owner_id AS "ownerId", rep FROM routing.assignments
       WHERE ended_at IS NULL AND lead_id = ANY($1::uuid[])`,
      [leadIds],
    );
    return new Map(rows.map((row) => [row.leadId, row]));
  }

  /**
   * Ends a decision. With `junk`, `not-mine` and `not-needed` the member is owed another lead of the pool.
   * @returns false where it had ended before; then nothing changes.
   */
  end(id: string, reason: EndReason, on?: Queryable): Promise<boolean> {
    if (!on) return this.database.transaction((transaction) => this.end(id, reason, transaction));
    return endOn(on, id, reason);
  }
}

/** As `end`, within a transaction. */
export async function endOn(transaction: Queryable, id: string, reason: EndReason): Promise<boolean> {
  // A decision that has read the turns would overwrite the credit.
  if (CREDITED.has(reason))
    await transaction.query({ name: 'routing-lock', text: 'SELECT pg_advisory_xact_lock($1)', values: [DECISION_LOCK] });
  return (await transaction.query(END, [id, reason, CREDITED.has(reason)])).rowCount === 1;
}

type AssignmentRow = Assignment & Record<string, unknown>;
