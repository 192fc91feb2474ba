import type { LeadError } from '../domain/lead.js';
import type { Pool } from '../platform/database/pool.js';

export interface Failure {
  id: string;
  fence: string;
  error: LeadError;
  /** When the next attempt is due; null where this was the last one, and the lead becomes a dead letter. */
  nextAttemptAt: Date | null;
}

/** The attempt is counted here and nowhere else: the queue's own count is only its timer. */
const RECORD_FAILURE = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = CASE WHEN $4::timestamptz IS NULL THEN 'dead' ELSE l.state END,
      enrichment_attempts = l.enrichment_attempts + ($3::jsonb->>'stage' = 'enrichment')::int,
      crm_sync_attempts = l.crm_sync_attempts + ($3::jsonb->>'stage' = 'crm-sync')::int,
      last_error = $3::jsonb - 'sent', next_attempt_at = $4, died_at = CASE WHEN $4::timestamptz IS NULL THEN clock_timestamp() END,
      claimed_by = NULL, suspicions = 0, alone = false, crashes = 0, touched_at = now(), event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.fence = $2 AND l.state IN ('received', 'enriched')
  RETURNING l.id, l.event_seq, l.revision,
    CASE WHEN $3::jsonb->>'stage' = 'enrichment' THEN l.enrichment_attempts ELSE l.crm_sync_attempts END AS attempt
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), CASE WHEN $4::timestamptz IS NULL THEN 'dead-lettered' ELSE 'attempt-failed' END,
    $3::jsonb || jsonb_build_object('attempt', attempt, 'revision', revision, 'nextAttemptAt', $4::timestamptz)
  FROM done
)
SELECT id FROM done`;

/** Counts a failed attempt; received/enriched → dead where it was the last. False where the fence has been raised since. */
export async function recordFailure(pool: Pool, failure: Failure): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'record-failure',
    text: RECORD_FAILURE,
    values: [failure.id, failure.fence, JSON.stringify(failure.error), failure.nextAttemptAt],
  });
  return rowCount === 1;
}
