import type { Pool } from '../../platform/database/pool.js';

/** Rows as the tables have them, for whoever may see all that is held about a person. */
export interface HeldData {
  leads: Record<string, unknown>[];
  mockCrm: Record<string, unknown>[];
}

/**
 * The mock CRM's tables are our own, in this database, so what they hold is held by us. A CRM outside is not read: the export has the ids
 * under which it knows the person.
 */
export async function exportPerson(pool: Pool, personKey: string): Promise<HeldData> {
  const [leads, crm] = await Promise.all([
    pool.query<{ lead: Record<string, unknown> }>(
      `SELECT to_jsonb(l) || jsonb_build_object('events', coalesce((
         SELECT jsonb_agg(to_jsonb(e) - 'lead_id' ORDER BY e.seq) FROM ledger.events e WHERE e.lead_id = l.id), '[]')) AS lead
       FROM ledger.leads l WHERE l.person_key = decode($1, 'hex') ORDER BY l.received_at, l.id`,
      [personKey],
    ),
    pool.query<{ lead: Record<string, unknown> }>(
      `SELECT to_jsonb(c) || jsonb_build_object('campaignMembers', coalesce((
         SELECT jsonb_agg(to_jsonb(m) ORDER BY m.created_at) FROM mock_crm.campaign_members m WHERE m.lead_id = c.id), '[]')) AS lead
       FROM mock_crm.leads c WHERE c.person_key = decode($1, 'hex')`,
      [personKey],
    ),
  ]);
  return { leads: leads.rows.map(({ lead }) => lead), mockCrm: crm.rows.map(({ lead }) => lead) };
}
