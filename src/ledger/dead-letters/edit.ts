import type { Pool } from '../../platform/database/pool.js';

export interface Edit {
  id: string;
  name: string | null;
  attributes: Record<string, string>;
  by: string;
}

/** Corrected content is a revision like any other, but the lead stays where it is until somebody replays it. */
const EDIT = `
WITH done AS (
  UPDATE ledger.leads l
  SET replaced = jsonb_build_object('name', l.name, 'attributes', l.attributes), name = $2, attributes = $3::jsonb,
      revision = l.revision + 1, fence = nextval('ledger.fence'), enrichment = NULL, scorings = 0, enriched_at = NULL,
      content_at = greatest(now(), l.content_at + interval '1 microsecond'), touched_at = now(), event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.state = 'dead'
  RETURNING l.id, l.event_seq, l.revision, l.name, l.attributes, l.replaced
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'edited', jsonb_build_object(
    'by', $4::text, 'revision', revision, 'changed', ledger.changed_fields(replaced, name, attributes))
  FROM done
)
SELECT revision FROM done`;

/** Replaces name and attributes of a dead letter. @returns the new revision; null where the lead is no dead letter. */
export async function editDeadLetter(pool: Pool, { id, name, attributes, by }: Edit): Promise<number | null> {
  const { rows } = await pool.query<{ revision: number }>(EDIT, [id, name, JSON.stringify(attributes), by]);
  return rows[0]?.revision ?? null;
}
