import type { Pool } from '../../platform/database/pool.js';

/** The memberships go with their Lead; both statements' rows are counted. */
const ERASE = `
WITH known AS (SELECT id FROM mock_crm.leads WHERE person_key = decode($1, 'hex')),
members AS (DELETE FROM mock_crm.campaign_members WHERE lead_id IN (SELECT id FROM known) RETURNING 1),
leads AS (DELETE FROM mock_crm.leads WHERE id IN (SELECT id FROM known) RETURNING 1)
SELECT (SELECT count(*) FROM members)::int + (SELECT count(*) FROM leads)::int AS count`;

/** @returns how many records went: the Lead and its memberships. */
export async function eraseLead(pool: Pool, personKey: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(ERASE, [personKey]);
  return rows[0]!.count;
}
