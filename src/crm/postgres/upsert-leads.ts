import type { Pool } from '../../platform/postgres.js';
import { columns } from '../../platform/columns.js';
import { companyOf, splitName } from '../person-name.js';
import type { CrmSync } from '../port.js';

/** The version decides: an older projection finds a newer one in place and leaves it alone. */
const UPSERT_LEADS = `
INSERT INTO mock_crm.leads AS l (person_key, version, email, first_name, last_name, company, attributes,
  fit_score, intent, reasoning, score_source, source_lead)
SELECT decode(i.person_key, 'hex'), i.version, i.email, i.first_name, i.last_name, i.company, i.attributes::jsonb,
  i.fit_score, i.intent, i.reasoning, i.score_source, i.source_lead
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::int[], $9::text[], $10::text[], $11::text[], $12::uuid[])
  AS i (person_key, version, email, first_name, last_name, company, attributes,
    fit_score, intent, reasoning, score_source, source_lead)
ORDER BY 1
ON CONFLICT (person_key) DO UPDATE SET
  version = excluded.version, email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  company = excluded.company, attributes = excluded.attributes, fit_score = excluded.fit_score, intent = excluded.intent,
  reasoning = excluded.reasoning, score_source = excluded.score_source, source_lead = excluded.source_lead, updated_at = now()
WHERE l.version < excluded.version`;

/** A member that exists is returned too: the membership is the result, whoever made it. */
const ENSURE_MEMBERS = `
INSERT INTO mock_crm.campaign_members AS m (lead_id, campaign_id, responded_at)
SELECT l.id, i.campaign_id, i.responded_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS i (person_key, campaign_id, responded_at)
JOIN mock_crm.leads l ON l.person_key = decode(i.person_key, 'hex')
ORDER BY l.id, i.campaign_id
ON CONFLICT (lead_id, campaign_id) DO UPDATE SET responded_at = least(m.responded_at, excluded.responded_at)
RETURNING m.id, m.lead_id, m.campaign_id,
  (SELECT encode(person_key, 'hex') FROM mock_crm.leads WHERE mock_crm.leads.id = m.lead_id) AS person_key`;

/** Writes the persons' Leads; each person may be in the list once. */
export async function upsertLeads(pool: Pool, syncs: CrmSync[]): Promise<void> {
  const rows = syncs.map(({ personKey, projection: { lead, enrichment, version } }) => ({
    personKey,
    version,
    email: lead.email,
    ...splitName(lead.name),
    company: companyOf(lead),
    attributes: JSON.stringify(lead.attributes),
    ...enrichment,
    sourceLead: lead.id,
  }));
  const values = columns(rows, [
    'personKey',
    'version',
    'email',
    'firstName',
    'lastName',
    'company',
    'attributes',
    'fitScore',
    'intent',
    'reasoning',
    'scoreSource',
    'sourceLead',
  ]);
  await pool.query({ name: 'mock-crm-leads', text: UPSERT_LEADS, values });
}

/** Ensures each membership and gives the ids of Lead and member, in order. */
export async function ensureMembers(pool: Pool, syncs: CrmSync[]): Promise<{ leadId: string; memberId: string }[]> {
  const { rows } = await pool.query<{ id: string; lead_id: string; person_key: string }>({
    name: 'mock-crm-members',
    text: ENSURE_MEMBERS,
    values: columns(syncs, ['personKey', 'campaignId', 'respondedAt']),
  });
  const members = new Map(rows.map((row) => [row.person_key, { leadId: row.lead_id, memberId: row.id }]));
  return syncs.map(({ personKey }) => members.get(personKey)!);
}
