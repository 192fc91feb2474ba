import type { Pool } from '../../platform/database/pool.js';
import type { OpenLead } from '../open-leads.repository.js';
import type { DeadLetterFilter } from '../dead-letters.repository.js';

export interface Replay extends DeadLetterFilter {
  limit: number;
  /** Leads a second; null: all at once. */
  perSecond: number | null;
  /** Who asks, for the audit. */
  by: string;
}

/**
 * The times are in the rows, so the rate holds whatever becomes of the queue or of this process. What has a score keeps it,
 * unless it was edited since.
 */
const REPLAY = `
WITH chosen AS (
  SELECT id, died_at FROM ledger.leads
  WHERE state = 'dead' AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR last_error->>'code' = $2)
  ORDER BY died_at, id LIMIT $3
  FOR UPDATE SKIP LOCKED
), placed AS (
  SELECT id, row_number() OVER (ORDER BY died_at, id) - 1 AS place FROM chosen
), done AS (
  UPDATE ledger.leads l
  SET state = CASE WHEN l.enrichment IS NULL OR l.last_error->>'stage' = 'enrichment' THEN 'received' ELSE 'enriched' END,
      enrichment_attempts = 0, crm_sync_attempts = 0, suspicions = 0, alone = false, crashes = 0, first_scoring_at = NULL,
      epoch = l.epoch + 1, fence = nextval('ledger.fence'), low_priority = true, died_at = NULL,
      replaced = l.last_error, last_error = NULL, claimed_by = NULL,
      next_attempt_at = CASE WHEN $4::float IS NOT NULL THEN now() + make_interval(secs => p.place / $4) END,
      touched_at = now(), event_seq = l.event_seq + 1
  FROM placed p WHERE l.id = p.id
  RETURNING l.id, l.epoch, l.state, l.content_at, l.next_attempt_at, l.event_seq, l.replaced AS died_of
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'replayed', jsonb_build_object(
    'by', $5::text, 'stage', died_of->>'stage', 'code', died_of->>'code', 'dueAt', next_attempt_at)
  FROM done
)
SELECT id AS "leadId", epoch, state, content_at AS "contentAt", next_attempt_at AS "nextAttemptAt", true AS "lowPriority"
FROM done`;

/** dead → received or enriched, the longest dead first. @returns what is to be announced. */
export async function replayDeadLetters(pool: Pool, { id, code, limit, perSecond, by }: Replay): Promise<OpenLead[]> {
  const { rows } = await pool.query<OpenLead>(REPLAY, [id ?? null, code ?? null, limit, perSecond, by]);
  return rows;
}
