import type { CrmSynced } from '../domain/lead.js';
import type { Pool } from '../platform/database/pool.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lock-in-id-order.js';

export interface SyncedLead {
  id: string;
  fence: string;
  crm: CrmSynced;
}

const MARK_SYNCED = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'synced', crm = i.crm - 'exchanges', synced_at = clock_timestamp(),
      -- Of a lead that has never been in the CRM; a row that older versions wrote says so by its reference.
      first_synced_at = CASE WHEN l.crm IS NULL THEN clock_timestamp() ELSE l.first_synced_at END,
      first_enriched_at = CASE WHEN l.crm IS NULL THEN l.enriched_at ELSE l.first_enriched_at END,
      claimed_by = NULL, suspicions = 0, alone = false, crashes = 0, next_attempt_at = NULL, last_error = NULL, replaced = NULL, low_priority = false, touched_at = now(), event_seq = l.event_seq + 1
  FROM (SELECT id, fence, crm::jsonb FROM ${lockInIdOrder('$1::uuid[], $2::bigint[], $3::text[]', 'id, fence, crm')} i) i
  WHERE l.id = i.id AND l.fence = i.fence AND l.state = 'enriched'
  RETURNING l.id, l.event_seq, i.crm, l.revision, l.claimed_at
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'synced', crm || jsonb_build_object('revision', revision, 'startedAt', claimed_at)
  FROM done
)
SELECT id FROM done`;

/** enriched → synced. False where the fence has been raised since: the write was refused, and a newer run has the lead. */
export async function markSynced(pool: Pool, leads: SyncedLead[]): Promise<boolean[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'mark-synced',
    text: MARK_SYNCED,
    values: [...columns(leads, ['id', 'fence']), jsonColumn(leads, ({ crm }) => crm)],
  });
  const done = new Set(rows.map((row) => row.id));
  return leads.map(({ id }) => done.has(id));
}
