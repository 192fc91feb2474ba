import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import type { EndReason } from './assignments.repository.js';

/** An owner that shall change. */
export interface ReassignmentRequest {
  leadId: string;
  /** A rep, or a user or queue of the CRM; null: the rules decide, and pass over the owners that the lead had. */
  to: string | null;
  who: string;
  reason: string;
  endReason: Extract<EndReason, 'reassigned' | 'not-mine'>;
}

export interface DueReassignment extends ReassignmentRequest {
  id: string;
  requestedAt: Date;
}

/** `sales took over`: the CRM has an owner that a human chose, and it stays. */
export type ReassignmentOutcome =
  | 'reassigned'
  | 'decided at the creation'
  | 'sales took over'
  | 'no lead in the CRM'
  | 'no other owner';

/** A worker that claimed one and ended is followed by another after this time. */
const CLAIM_SECONDS = 60;

const REQUEST = `
WITH requested AS (
  INSERT INTO routing.reassignments (lead_id, to_owner, who, reason, end_reason)
  SELECT a.lead_id, $2, $3, $4, $5 FROM routing.assignments a WHERE a.lead_id = $1 AND a.ended_at IS NULL
  ON CONFLICT DO NOTHING RETURNING id
)
SELECT id, ledger.record_act($3, 'routing-reassign', jsonb_build_object('leadId', $1::text, 'reason', $4::text)) FROM requested`;

const CLAIM = `
UPDATE routing.reassignments r SET due_at = now() + interval '${CLAIM_SECONDS} seconds'
FROM (
  SELECT id FROM routing.reassignments WHERE done_at IS NULL AND due_at <= now()
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due
WHERE r.id = due.id
RETURNING r.id, r.lead_id AS "leadId", r.to_owner AS "to", r.who, r.reason, r.end_reason AS "endReason",
  r.requested_at AS "requestedAt"`;

/** Changes of owners that were asked for. One per lead is open at a time. */
@Injectable()
export class ReassignmentsRepository {
  constructor(private readonly database: Database) {}

  /** @returns its id; null where the lead has no decided owner, or another request is open. */
  async request(
    { leadId, to, who, reason, endReason }: ReassignmentRequest,
    on: Queryable = this.database,
  ): Promise<string | null> {
    const { rows } = await on.query<{ id: string }>(REQUEST, [leadId, to, who, reason, endReason]);
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

  /** Of a lead, the newest one; null where there is none. */
  async newest(leadId: string): Promise<{ id: string; outcome: ReassignmentOutcome | null; ownerId: string | null } | null> {
    const text = `SELECT id, outcome, owner_id AS "ownerId" FROM routing.reassignments WHERE lead_id = $1 ORDER BY id DESC LIMIT 1`;
    return (
      (await this.database.query<{ id: string; outcome: ReassignmentOutcome | null; ownerId: string | null }>(text, [leadId]))
        .rows[0] ?? null
    );
  }
}
