import type { Stage } from '../domain/lead-state.js';
import type { Pool } from '../platform/database/pool.js';

/** What a breaker that opened says about the failures before it: they were the downstream's, not the leads'. */
export interface AttemptRefund {
  stage: Stage;
  /** When the stage last succeeded; failures from then on count no more. Null: it never has. */
  since: Date | null;
  /** Failures with this signature, dead letters included; null: failures of class dependency-down. */
  signature: string | null;
}

const RETURN_ATTEMPTS = `
WITH returned AS (
  SELECT l.id, sum(CASE WHEN e.kind = 'attempts-returned' THEN -(e.detail->>'attempts')::int ELSE 1 END)::int AS attempts
  FROM ledger.leads l
  JOIN ledger.events e ON e.lead_id = l.id AND e.at >= coalesce($2::timestamptz, '-infinity')
    AND e.detail->>'stage' = $1 AND (e.detail->>'revision')::int = l.revision
    AND CASE
      WHEN e.kind = 'attempts-returned' THEN e.detail->>'signature' IS NOT DISTINCT FROM $3
      WHEN e.kind NOT IN ('attempt-failed', 'dead-lettered') THEN false
      WHEN $3::text IS NULL THEN e.detail->>'class' = 'dependency-down'
      ELSE e.detail->>'signature' = $3
    END
  WHERE l.last_error->>'stage' = $1 AND (l.last_error->>'at')::timestamptz >= coalesce($2::timestamptz, '-infinity')
    AND (l.next_attempt_at IS NOT NULL OR ($3::text IS NOT NULL AND l.state = 'dead' AND l.died_at >= coalesce($2::timestamptz, '-infinity')))
  GROUP BY l.id HAVING sum(CASE WHEN e.kind = 'attempts-returned' THEN -(e.detail->>'attempts')::int ELSE 1 END) > 0
), held AS ( -- in the order of in-order.ts
  SELECT r.* FROM returned r JOIN ledger.leads l ON l.id = r.id ORDER BY r.id FOR NO KEY UPDATE OF l
), done AS (
  UPDATE ledger.leads l
  SET enrichment_attempts = greatest(0, l.enrichment_attempts - r.attempts * ($1 = 'enrichment')::int),
      crm_sync_attempts = greatest(0, l.crm_sync_attempts - r.attempts * ($1 = 'crm-sync')::int),
      epoch = l.epoch + (l.state = 'dead')::int,
      state = CASE WHEN l.state <> 'dead' THEN l.state WHEN $1 = 'enrichment' THEN 'received' ELSE 'enriched' END,
      died_at = NULL, next_attempt_at = coalesce(l.next_attempt_at, now() + interval '30 seconds'),
      touched_at = now(), event_seq = l.event_seq + 1
  FROM held r WHERE l.id = r.id AND l.state IN ('received', 'enriched', 'dead')
  RETURNING l.id, l.event_seq, l.revision, r.attempts
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'attempts-returned', jsonb_build_object(
    'stage', $1::text, 'attempts', attempts, 'revision', revision, 'signature', $3::text)
  FROM done
)
SELECT id FROM done`;

/**
 * Gives leads back the attempts that an outage, or a setting of the downstream, has cost them; dead letters that died of the
 * same signature live again, and the sweeper enqueues them. What was returned before is not returned twice.
 * @returns how many leads.
 */
export async function refundAttempts(pool: Pool, { stage, since, signature }: AttemptRefund): Promise<number> {
  const { rowCount } = await pool.query(RETURN_ATTEMPTS, [stage, since, signature]);
  return rowCount ?? 0;
}

/** Distinct leads that died in the stage with this signature since it last succeeded. */
export async function countDeadWith(pool: Pool, { stage, since, signature }: AttemptRefund): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ledger.leads
     WHERE state = 'dead' AND died_at >= coalesce($2::timestamptz, '-infinity') AND died_at > now() - interval '1 hour'
       AND last_error->>'stage' = $1 AND last_error->>'signature' = $3`,
    [stage, since, signature],
  );
  return rows[0]!.count;
}
