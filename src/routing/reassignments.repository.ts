import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import type { EndReason } from './assignments.repository.js';
import { EXISTING_OWNER } from './decide.js';

/** An owner that shall change. */
export interface ReassignmentRequest {
  leadId: string;
  /** The decision whose owner shall change; absent: the one that stands. */
  assignmentId?: string;
  /** A rep, or a user or queue of the CRM; null: the rules decide, and pass over the owners that the lead had. */
  to: string | null;
  who: string;
  reason: string;
  endReason: Extract<EndReason, 'reassigned' | 'not-mine'>;
}

export interface DueReassignment extends Omit<ReassignmentRequest, 'assignmentId'> {
  id: string;
  /** The owner at the request. */
  from: string;
  band: string | null;
  /** Whether the rules gave the person this owner. Another owner is that of a human. */
  byRules: boolean;
}

/** `sales took over`: the CRM has an owner that a human chose, and it stays. `refused by the CRM`: the owner stays. */
export type ReassignmentOutcome =
  | 'reassigned'
  | 'decided at the creation'
  | 'sales took over'
  | 'refused by the CRM'
  | 'no lead in the CRM'
  | 'no other owner';

/** A worker that claimed one and ended is followed by another after this time. */
const CLAIM_SECONDS = 60;

const REQUEST = `
WITH requested AS (
  INSERT INTO routing.reassignments (lead_id, from_id, to_owner, who, reason, end_reason)
  SELECT a.lead_id, a.id, $2, $3, $4, $5 FROM routing.assignments a
  WHERE a.lead_id = $1 AND a.ended_at IS NULL AND a.id = coalesce($6, a.id)
  ON CONFLICT DO NOTHING RETURNING id
)
SELECT id, ledger.record_act($3, 'routing-reassign', jsonb_build_object('leadId', $1::text, 'reason', $4::text)) FROM requested`;

/** A process of the version before names no decision: then it is the newest one. */
const CLAIM = `
UPDATE routing.reassignments r SET due_at = now() + interval '${CLAIM_SECONDS} seconds'
FROM (
  SELECT id, coalesce(from_id, (SELECT max(n.id) FROM routing.assignments n WHERE n.lead_id = q.lead_id)) AS from_id
  FROM routing.reassignments q WHERE done_at IS NULL AND due_at <= now()
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due, routing.assignments a
WHERE r.id = due.id AND a.id = due.from_id
RETURNING r.id, r.lead_id AS "leadId", r.to_owner AS "to", r.who, r.reason, r.end_reason AS "endReason",
  a.owner_id AS "from", a.band, a.rule <> '${EXISTING_OWNER}' OR coalesce(a.owner_id = (
    SELECT o.owner_id FROM routing.assignments o
    WHERE o.person_key = a.person_key AND o.rule <> '${EXISTING_OWNER}' AND (o.written_at IS NOT NULL OR o.ended_at IS NULL)
    ORDER BY o.id DESC LIMIT 1), false) AS "byRules"`;

/** Changes of owners that were asked for. One per lead is open at a time. */
@Injectable()
export class ReassignmentsRepository {
  constructor(private readonly database: Database) {}

  /** @returns its id; null where the lead has no decided owner, or another one by now, or another request is open. */
  async request(
    { leadId, assignmentId, to, who, reason, endReason }: ReassignmentRequest,
    on: Queryable = this.database,
  ): Promise<string | null> {
    const { rows } = await on.query<{ id: string }>(REQUEST, [leadId, to, who, reason, endReason, assignmentId ?? null]);
    return rows[0]?.id ?? null;
  }

  /** Requests that no other worker carries out now. */
  async claim(limit: number): Promise<DueReassignment[]> {
    return (await this.database.query<DueReassignment & Record<string, unknown>>(CLAIM, [limit])).rows;
  }

  async done(id: string, outcome: ReassignmentOutcome, ownerId: string | null): Promise<void> {
    const text = 'UPDATE routing.reassignments SET done_at = now(), outcome = $2, owner_id = $3 WHERE id = $1';
    await this.database.query(text, [id, outcome, ownerId]);
  }

  /** Removes counts of days that no cap asks for any more. Requests are removed with their lead. */
  async pruneCounts(): Promise<void> {
    await this.database.query('DELETE FROM routing.daily_counts WHERE day < current_date - 7');
  }
}
