import type { CrmSynced } from '../domain/lead.js';
import type { Pool } from '../platform/database/pool.js';
import type { Projection } from './projection.js';
import { PROJECTION, projectionOf, type ProjectionRow } from './projection.js';

/** A synced lead that a CRM has no record of, as far as the ledger knows. */
export interface PendingLead {
  id: string;
  fence: string;
  personKey: string;
  campaignId: string;
  receivedAt: Date;
  projection: Projection;
}

interface Row {
  id: string;
  fence: string;
  person_key: string;
  campaign_id: string;
  received_at: Date;
  projection: ProjectionRow;
}

/** What was written where is in `crm`: the CRM that counted then, and its shadow. */
const MISSING_IN = `(l.crm->>'provider' IS DISTINCT FROM $1 AND l.crm->'shadow'->>'provider' IS DISTINCT FROM $1)`;

const PENDING = `
SELECT l.id, l.fence, encode(l.person_key, 'hex') AS person_key, l.campaign_id, l.received_at, p.projection
FROM ledger.leads l
CROSS JOIN LATERAL (SELECT to_jsonb(newest) AS projection FROM (${PROJECTION('l.person_key')}) newest) p
WHERE l.state = 'synced' AND ${MISSING_IN} AND l.id > $2
ORDER BY l.id LIMIT $3`;

/** A page of synced leads in id order that `provider` has no record of; start with the nil UUID. */
export async function pendingIn(pool: Pool, provider: string, afterId: string, limit: number): Promise<PendingLead[]> {
  const { rows } = await pool.query<Row>({ name: 'migration-pending', text: PENDING, values: [provider, afterId, limit] });
  return rows.map((row) => ({
    id: row.id,
    fence: row.fence,
    personKey: row.person_key,
    campaignId: row.campaign_id,
    receivedAt: row.received_at,
    projection: projectionOf(row.projection),
  }));
}

export async function countPendingIn(pool: Pool, provider: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ledger.leads l WHERE l.state = 'synced' AND ${MISSING_IN}`,
    [provider],
  );
  return rows[0]!.count;
}

const PERSONS = `
SELECT p.projection
FROM (SELECT DISTINCT person_key FROM ledger.leads WHERE state = 'synced' AND person_key > decode($1, 'hex') ORDER BY person_key LIMIT $2) k
CROSS JOIN LATERAL (SELECT to_jsonb(newest) AS projection FROM (${PROJECTION('k.person_key')}) newest) p
ORDER BY k.person_key`;

/** A page of persons who have a synced lead, in the order of their keys; start with the empty string. */
export async function syncedPersons(pool: Pool, afterKey: string, limit: number): Promise<Projection[]> {
  const { rows } = await pool.query<{ projection: ProjectionRow }>({
    name: 'migration-persons',
    text: PERSONS,
    values: [afterKey, limit],
  });
  return rows.map(({ projection }) => projectionOf(projection));
}

export async function countSyncedPersons(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(DISTINCT person_key)::int AS count FROM ledger.leads WHERE state = 'synced'`,
  );
  return rows[0]!.count;
}

const RECORD = `
WITH done AS (
  UPDATE ledger.leads l SET crm = l.crm || jsonb_build_object('shadow', $3::jsonb - 'exchanges'), event_seq = l.event_seq + 1
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision
)
INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
SELECT id, event_seq, clock_timestamp(), 'backfilled', $3::jsonb || jsonb_build_object('revision', revision) FROM done`;

/** Notes where the lead is in another CRM. A lead that has changed meanwhile is on its way to the CRM that counts now. */
export async function recordBackfill(pool: Pool, lead: PendingLead, reference: CrmSynced): Promise<void> {
  await pool.query({ name: 'migration-record', text: RECORD, values: [lead.id, lead.fence, JSON.stringify(reference)] });
}
