import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { Pool } from '../platform/database/pool.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-row.js';

/** A synced lead that this run may score again; its state stays as it is. */
export interface LeadClaimedForRescore extends LeadContent {
  fence: string;
  /** This one included. */
  attempts: number;
  /** The score that stands in. */
  enrichment: Enrichment;
  /** It has its new score already, and the CRM does not know. */
  crmOwed: boolean;
  receivedAt: Date;
}

/** The attempt is counted at its beginning: one that its worker does not survive counts too. */
const CLAIM = `
UPDATE ledger.leads l
SET fence = nextval('ledger.fence'), rescore_attempts = l.rescore_attempts + 1,
  rescore_at = now() + make_interval(secs => $2 / 1000.0)
FROM (
  SELECT id FROM ledger.leads
  WHERE state = 'synced' AND (crm_owed OR (enrichment->'needsRescore')::boolean) AND rescore_at <= now()
  ORDER BY rescore_at LIMIT $1
  FOR UPDATE SKIP LOCKED
) due
WHERE l.id = due.id
RETURNING ${CONTENT_COLUMNS('l')}, l.fence, l.rescore_attempts AS attempts, l.enrichment, l.crm_owed, l.received_at`;

interface Row extends ContentRow {
  fence: string;
  attempts: number;
  enrichment: Enrichment;
  crm_owed: boolean;
  received_at: Date;
}

/** Takes up to `limit` leads that are due. Those of a worker that dies are due again after `leaseMs`. */
export async function claimForRescore(pool: Pool, limit: number, leaseMs: number): Promise<LeadClaimedForRescore[]> {
  const { rows } = await pool.query<Row>({ name: 'claim-for-rescore', text: CLAIM, values: [limit, leaseMs] });
  return rows.map((row) => ({
    ...contentOf(row),
    fence: row.fence,
    attempts: row.attempts,
    enrichment: row.enrichment,
    crmOwed: row.crm_owed,
    receivedAt: row.received_at,
  }));
}
