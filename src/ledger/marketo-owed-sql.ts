import { PROJECTION } from './lead-content-sql.js';

/** Marketo's id of a person as the webhook sent it; digits only, within what a number holds exactly. */
export const MARKETO_ID = (alias: string) => `CASE WHEN ${alias}.attributes->>'marketo_id' ~ '^[0-9]{1,15}$'
    THEN (${alias}.attributes->>'marketo_id')::bigint END`;

/** The facts of the person whose key the SQL expression gives, as one object; null where nothing is known. */
export const FACTS = (person: string) => `
  SELECT nullif(jsonb_strip_nulls(jsonb_build_object('ownerId', o.owner_id, 'ownerName', o.name, 'ownerEmail', o.email,
    'outcome', s.kind, 'outcomeAt', to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))), '{}') AS facts
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (SELECT owner_id, name, email FROM routing.current_owners
    WHERE person_key = ${person} ORDER BY id DESC LIMIT 1) o ON true
  LEFT JOIN LATERAL (SELECT kind, at FROM feedback.stages_reached
    WHERE person_key = ${person} ORDER BY kind = 'touched', at DESC, id DESC LIMIT 1) s ON true`;

/**
 * Owes the newest score of each person in `persons` (person_key) that is newer than the version known here. What
 * another record of Marketo was sent says nothing of this one: all fields are written to it.
 */
export const OWE = (persons: string, where: string) => `
INSERT INTO ledger.marketo_updates AS u (person_key, marketo_id, version, facts)
SELECT k.person_key, m.marketo_id, p.version, f.facts
FROM ${persons} k
CROSS JOIN LATERAL (${PROJECTION('k.person_key')}) p
CROSS JOIN LATERAL (${FACTS('k.person_key')}) f
LEFT JOIN LATERAL (
  SELECT ${MARKETO_ID('n')} AS marketo_id FROM ledger.leads n
  WHERE n.person_key = k.person_key AND n.attributes->>'marketo_id' ~ '^[0-9]{1,15}$'
  ORDER BY n.content_at DESC LIMIT 1
) m ON true
ORDER BY k.person_key
ON CONFLICT (person_key) DO UPDATE SET version = greatest(u.version, excluded.version), state = 'owed', facts = excluded.facts,
  by_email = u.by_email AND (excluded.marketo_id IS NULL OR excluded.marketo_id = u.marketo_id),
  marketo_id = coalesce(excluded.marketo_id, u.marketo_id),
  sent = CASE WHEN excluded.marketo_id <> u.marketo_id THEN '{}' ELSE u.sent END,
  owed_at = CASE WHEN u.state = 'owed' THEN u.owed_at ELSE now() END, due_at = now(), last_code = NULL, last_message = NULL
WHERE ${where}`;

/** A person whom Marketo refused or did not know is not tried again for other facts alone. */
export const OTHER_FACTS = `excluded.facts IS DISTINCT FROM u.facts AND u.state IN ('owed', 'sent')`;

export const COLLECT = `
WITH scored AS (
  SELECT DISTINCT lead_id FROM ledger.events WHERE at > $1 AND at <= $2 AND kind IN ('enriched', 'rescored')
), persons AS (
  SELECT l.person_key FROM scored JOIN ledger.leads l ON l.id = scored.lead_id
  UNION SELECT person_key FROM routing.current_owners WHERE decided_at > $1 AND decided_at <= $2
  UNION SELECT person_key FROM feedback.stages_reached WHERE first_seen_at > $1 AND first_seen_at <= $2
)${OWE('persons', `excluded.version > u.version OR (${OTHER_FACTS})`)}`;
