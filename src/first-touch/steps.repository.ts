import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import type { StepKind } from '../routing/first-touch.schema.js';

/** A step that one worker carries out. Until the claim ends, no other worker gets it. */
export interface ClaimedStep {
  assignmentId: string;
  position: number;
  kind: StepKind;
  /** The number of the claim. A later claim has a greater one, and then this one settles nothing. */
  fence: string;
}

const CLAIM = `
WITH due AS (
  SELECT assignment_id, position FROM first_touch.steps
  WHERE outcome IS NULL AND due_at <= now() AND claimed_until <= now()
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE first_touch.steps s
SET fence = nextval('first_touch.fences'), claimed_until = now() + make_interval(secs => $2 / 1000.0)
FROM due WHERE s.assignment_id = due.assignment_id AND s.position = due.position
RETURNING s.assignment_id AS "assignmentId", s.position, s.kind, s.fence`;

/** What is due while no person acts. */
@Injectable()
export class StepsRepository {
  constructor(private readonly database: Database) {}

  /** Steps that are due, those of ended workers included. */
  async claim(limit: number, leaseMs: number): Promise<ClaimedStep[]> {
    const { rows } = await this.database.query<ClaimedStep & Record<string, unknown>>(CLAIM, [limit, leaseMs]);
    return rows.toSorted((a, b) => Number(a.assignmentId) - Number(b.assignmentId) || a.position - b.position);
  }

  /**
   * Settles a step in the transaction of its effect.
   * @returns false where the claim is no longer the newest: the effect must not be committed.
   */
  async settle({ assignmentId, position, fence }: ClaimedStep, outcome: string, on: Queryable): Promise<boolean> {
    const { rowCount } = await on.query(
      `UPDATE first_touch.steps SET outcome = $4, ended_at = now()
       WHERE assignment_id = $1 AND position = $2 AND fence = $3 AND outcome IS NULL`,
      [assignmentId, position, fence, outcome],
    );
    return rowCount === 1;
  }

  /** Returns claims: the steps are due again after a wait. */
  async postpone(steps: ClaimedStep[], waitMs: number): Promise<void> {
    await this.database.query(
      `UPDATE first_touch.steps s SET claimed_until = now() + make_interval(secs => $2 / 1000.0)
       FROM jsonb_to_recordset($1::jsonb) AS i ("assignmentId" bigint, position int, fence bigint)
       WHERE s.assignment_id = i."assignmentId" AND s.position = i.position AND s.fence = i.fence AND s.outcome IS NULL`,
      [JSON.stringify(steps), waitMs],
    );
  }
}
