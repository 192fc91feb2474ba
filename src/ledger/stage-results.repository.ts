import type { Enrichment } from '../domain/enrichment.js';
import type { Pool } from '../platform/database/pool.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lock-in-id-order.js';

export interface EnrichmentCheckpoint {
  id: string;
  fence: string;
  enrichment: Enrichment;
}

const CHECKPOINT = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'enriched', enrichment = i.enrichment::jsonb, scorings = l.scorings + 1, enriched_at = clock_timestamp(),
      claimed_by = NULL, suspicions = 0, alone = false, crashes = 0, next_attempt_at = NULL, last_error = NULL, touched_at = now(), event_seq = l.event_seq + 1
  FROM ${lockInIdOrder('$1::uuid[], $2::bigint[], $3::text[]', 'id, fence, enrichment')} i
  WHERE l.id = i.id AND l.fence = i.fence AND l.state = 'received'
  RETURNING l.id, l.epoch, l.event_seq, l.enrichment, l.revision, l.claimed_at
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'enriched', jsonb_build_object(
    'revision', revision, 'fitScore', enrichment->'fitScore', 'intent', enrichment->'intent',
    'scoreSource', enrichment->'scoreSource', 'provider', enrichment->'provider',
    'scorerVersion', enrichment->'scorerVersion', 'flags', enrichment->'flags', 'startedAt', claimed_at)
  FROM done
)
SELECT id, epoch FROM done`;

/**
 * received → enriched. Gives the row's epoch, which a sweep may have raised during the scoring; null where the fence has been
 * raised since: the write was refused, and a newer run has the lead.
 */
export async function checkpointEnrichment(pool: Pool, checkpoints: EnrichmentCheckpoint[]): Promise<(number | null)[]> {
  const { rows } = await pool.query<{ id: string; epoch: number }>({
    name: 'checkpoint-enrichment',
    text: CHECKPOINT,
    values: [...columns(checkpoints, ['id', 'fence']), jsonColumn(checkpoints, ({ enrichment }) => enrichment)],
  });
  const epochs = new Map(rows.map((row) => [row.id, row.epoch]));
  return checkpoints.map(({ id }) => epochs.get(id) ?? null);
}
