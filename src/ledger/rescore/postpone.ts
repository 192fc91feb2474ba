import type { LeadError } from '../../domain/lead.js';
import type { Pool } from '../../platform/database/pool.js';
import type { LeadClaimedForRescore } from '../rescore.repository.js';

const RETURN = `
UPDATE ledger.leads SET rescore_attempts = greatest(0, rescore_attempts - 1), rescore_at = $3
WHERE id = $1 AND fence = $2 AND state = 'synced'`;

/** Hands a lead back untried, to be taken again from `dueAt` on. */
export async function returnRescore(pool: Pool, { id, fence }: LeadClaimedForRescore, dueAt: Date): Promise<void> {
  await pool.query(RETURN, [id, fence, dueAt]);
}

const RECORD_FAILURE = `
WITH done AS (
  UPDATE ledger.leads l SET rescore_at = coalesce($4::timestamptz, 'infinity'), event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision, l.rescore_attempts
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), CASE WHEN $4::timestamptz IS NULL THEN 'rescore-given-up' ELSE 'rescore-failed' END,
    $3::jsonb || jsonb_build_object('attempt', rescore_attempts, 'revision', revision, 'nextAttemptAt', $4::timestamptz)
  FROM done
)
SELECT id FROM done`;

/** The attempt failed; the next is at `dueAt`. Null: the stand-in stays, for good. */
export async function recordRescoreFailure(
  pool: Pool,
  { id, fence }: LeadClaimedForRescore,
  error: LeadError,
  dueAt: Date | null,
): Promise<void> {
  await pool.query(RECORD_FAILURE, [id, fence, JSON.stringify(error), dueAt]);
}
