import type { Pool } from '../../platform/database/pool.js';

export interface Discard {
  id: string;
  reason: string;
  by: string;
}

const DISCARD = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'discarded', fence = nextval('ledger.fence'), died_at = NULL, touched_at = now(), event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.state = 'dead'
  RETURNING l.id, l.event_seq
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'discarded', jsonb_build_object('by', $3::text, 'reason', $2::text) FROM done
)
SELECT id FROM done`;

/** dead → discarded. False where the lead is no dead letter. */
export async function discardDeadLetter(pool: Pool, { id, reason, by }: Discard): Promise<boolean> {
  const { rowCount } = await pool.query(DISCARD, [id, reason, by]);
  return rowCount === 1;
}
