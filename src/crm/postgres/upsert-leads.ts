import type { Pool } from '../../platform/database/pool.js';
import { columns } from '../../platform/database/unnest-columns.js';
import type { CrmExchange } from '../../domain/lead.js';
import { companyOf, personNameOf } from '../person-name.js';
import type { CrmSync } from '../port.js';
import { auditFields } from '../audit-fields.js';

/**
 * A row that was made here has no xmax yet. The version decides: an older projection finds a newer one in place and
 * leaves it alone.
 */
const UPSERT_LEADS = `
INSERT INTO mock_crm.leads AS l (person_key, version, email, first_name, last_name, company, attributes,
  fit_score, intent, reasoning, score_source, source_lead, owner_id)
SELECT decode(i.person_key, 'hex'), i.version, i.email, i.first_name, i.last_name, i.company, i.attributes::jsonb,
  i.fit_score, i.intent, i.reasoning, i.score_source, i.source_lead, i.owner_id
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::int[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::text[])
  AS i (person_key, version, email, first_name, last_name, company, attributes,
    fit_score, intent, reasoning, score_source, source_lead, owner_id)
ORDER BY 1
ON CONFLICT (person_key) DO UPDATE SET
  version = excluded.version, email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  company = excluded.company, attributes = excluded.attributes, fit_score = excluded.fit_score, intent = excluded.intent,
  reasoning = excluded.reasoning, score_source = excluded.score_source, source_lead = excluded.source_lead, updated_at = now()
WHERE l.version < excluded.version
RETURNING encode(l.person_key, 'hex') AS person_key, l.xmax = 0 AS created`;

/** A member that exists is returned too: the membership is the result, whichever run made it. */
const ENSURE_MEMBERS = `
INSERT INTO mock_crm.campaign_members AS m (lead_id, campaign_id, responded_at)
SELECT l.id, i.campaign_id, i.responded_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS i (person_key, campaign_id, responded_at)
JOIN mock_crm.leads l ON l.person_key = decode(i.person_key, 'hex')
ORDER BY l.id, i.campaign_id
ON CONFLICT (lead_id, campaign_id) DO UPDATE SET responded_at = least(m.responded_at, excluded.responded_at)
RETURNING m.id, m.lead_id, m.campaign_id, m.xmax = 0 AS created,
  (SELECT encode(person_key, 'hex') FROM mock_crm.leads WHERE mock_crm.leads.id = m.lead_id) AS person_key,
  (SELECT owner_id FROM mock_crm.leads WHERE mock_crm.leads.id = m.lead_id) AS owner_id`;

/** The columns of mock_crm.leads, in the statement's order; attributes as the record shows them. */
const COLUMNS = [
  'person_key',
  'version',
  'email',
  'first_name',
  'last_name',
  'company',
  'attributes',
  'fit_score',
  'intent',
  'reasoning',
  'score_source',
  'source_lead',
  'owner_id',
] as const;

const EXISTING = `SELECT encode(person_key, 'hex') AS person_key FROM mock_crm.leads
WHERE person_key = ANY(SELECT decode(k, 'hex') FROM unnest($1::text[]) k)`;

/** The owners of persons who have no Lead yet; null for all others, whose owner stays. */
export async function chooseOwners(pool: Pool, syncs: CrmSync[]): Promise<(string | null)[]> {
  const choosing = syncs.filter(({ owner }) => owner !== undefined);
  if (choosing.length === 0) return syncs.map(() => null);
  const { rows } = await pool.query<{ person_key: string }>(EXISTING, [choosing.map(({ personKey }) => personKey)]);
  const existing = new Set(rows.map((row) => row.person_key));
  return Promise.all(syncs.map(({ personKey, owner }) => (owner && !existing.has(personKey) ? owner.choose() : null)));
}

function rowOf({ personKey, projection: { lead, enrichment, version } }: CrmSync) {
  const { firstName, lastName } = personNameOf(lead);
  return {
    person_key: personKey,
    version,
    email: lead.email,
    first_name: firstName,
    last_name: lastName,
    company: companyOf(lead),
    fit_score: enrichment.fitScore,
    intent: enrichment.intent,
    reasoning: enrichment.reasoning,
    score_source: enrichment.scoreSource,
    source_lead: lead.id,
  };
}

/** What is sent of a person, an attribute a field. */
export function recordOf(sync: CrmSync): Record<string, unknown> {
  const attributes = Object.entries(sync.projection.lead.attributes).map(([name, value]) => [`attributes.${name}`, value]);
  return { ...rowOf(sync), ...Object.fromEntries(attributes) };
}

/** Writes the persons' Leads; each person may be in the list once. @returns what became of each, in order. */
export async function upsertLeads(pool: Pool, syncs: CrmSync[], owners: (string | null)[]): Promise<CrmExchange['lead'][]> {
  const rows = syncs.map((sync, index) => ({
    ...rowOf(sync),
    attributes: JSON.stringify(sync.projection.lead.attributes),
    owner_id: owners[index]!,
  }));
  const answer = await pool.query<{ person_key: string; created: boolean }>({
    name: 'mock-crm-leads',
    text: UPSERT_LEADS,
    values: columns(rows, [...COLUMNS]),
  });
  const created = new Map(answer.rows.map((row) => [row.person_key, row.created]));
  return syncs.map((sync, index) => {
    const made = created.get(sync.personKey);
    const owner = made && owners[index] !== null ? { owner_id: owners[index]! } : {};
    const fields = auditFields({ ...recordOf(sync), ...owner });
    return { answer: made === undefined ? 'newer-there' : made ? 'created' : 'updated', fields };
  });
}

type Member = CrmExchange['member'] & { id: string; leadId: string; ownerId: string | null };

/**
 * Ensures each membership and gives the ids of Lead and member, in order; null where the Lead has been erased since it
 * was written.
 */
export async function ensureMembers(pool: Pool, syncs: CrmSync[]): Promise<(Member | null)[]> {
  const { rows } = await pool.query<{
    id: string;
    lead_id: string;
    person_key: string;
    owner_id: string | null;
    created: boolean;
  }>({
    name: 'mock-crm-members',
    text: ENSURE_MEMBERS,
    values: columns(syncs, ['personKey', 'campaignId', 'respondedAt']),
  });
  const members = new Map(rows.map((row) => [row.person_key, row]));
  return syncs.map(({ personKey, campaignId, respondedAt }) => {
    const member = members.get(personKey);
    if (!member) return null;
    const { id, lead_id: leadId, owner_id: ownerId, created } = member;
    const fields = { lead_id: leadId, campaign_id: campaignId, responded_at: respondedAt };
    return { id, leadId, ownerId, answer: created ? 'created' : 'there-already', fields };
  });
}
