import type { Enrichment } from '../../domain/enrichment.js';
import type { CrmSynced } from '../../domain/lead.js';
import type { Pool } from '../../platform/database/pool.js';
import type { LeadClaimedForRescore } from '../rescore.repository.js';

/** The fence is the comparison of this compare-and-set: whatever happened to the lead meanwhile has raised it. */
const CHECKPOINT = `
WITH done AS (
  UPDATE ledger.leads l
  SET enrichment = $3::jsonb, scorings = l.scorings + 1, crm_owed = true, rescore_attempts = 1, touched_at = now(),
      event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision, l.enrichment
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'rescored', jsonb_build_object(
    'revision', revision, 'fitScore', enrichment->'fitScore', 'intent', enrichment->'intent',
    'scoreSource', enrichment->'scoreSource', 'provider', enrichment->'provider',
    'scorerVersion', enrichment->'scorerVersion', 'flags', enrichment->'flags', 'instead', $4::jsonb)
  FROM done
)
SELECT id FROM done`;

/** synced → synced, with the better score. False where the fence has been raised since. */
export async function checkpointRescore(pool: Pool, claim: LeadClaimedForRescore, enrichment: Enrichment): Promise<boolean> {
  const { fitScore, scoreSource } = claim.enrichment;
  const { rowCount } = await pool.query({
    name: 'checkpoint-rescore',
    text: CHECKPOINT,
    values: [claim.id, claim.fence, JSON.stringify(enrichment), JSON.stringify({ fitScore, scoreSource })],
  });
  return rowCount === 1;
}

/** The first `synced_at` stands: sales heard of the lead then. */
const TOLD_CRM = `
WITH done AS (
  UPDATE ledger.leads l
  SET crm_owed = false, crm = coalesce($3::jsonb - 'exchanges', l.crm), rescore_attempts = 0, rescore_at = '-infinity', touched_at = now(),
      event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'crm-updated',
    coalesce($3::jsonb, '{"unneeded": "the person has newer content, which the CRM shows"}') || jsonb_build_object('revision', revision)
  FROM done
)
SELECT id FROM done`;

/** The CRM shows the new score. `crm` is null where it had no need to: the person has newer content. */
export async function markCrmTold(pool: Pool, claim: LeadClaimedForRescore, crm: CrmSynced | null): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'mark-crm-told',
    text: TOLD_CRM,
    values: [claim.id, claim.fence, crm && JSON.stringify(crm)],
  });
  return rowCount === 1;
}
