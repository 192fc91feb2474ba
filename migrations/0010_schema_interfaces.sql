-- What one schema shows to another. Each schema is read and written by one module (ledger: src/ledger, flow: src/flow-
-- control and src/alerts, mock_crm: src/crm/postgres). The views and functions of this file are the only exceptions.

-- Workers whose heartbeat is recent: only these count for shares and claims.
CREATE VIEW flow.living_workers AS
  SELECT worker FROM flow.workers WHERE seen_at > now() - interval '3 seconds';

-- Removes what the alerts hold about leads that are erased. Returns how many rows.
CREATE FUNCTION flow.erase_alerts(lead_ids uuid[]) RETURNS integer
LANGUAGE sql AS $$
  WITH leads AS (DELETE FROM flow.alerted_leads WHERE lead_id = ANY(lead_ids) RETURNING 1),
    messages AS (DELETE FROM flow.alert_messages m WHERE m.lead_ids && erase_alerts.lead_ids RETURNING 1)
  SELECT ((SELECT count(*) FROM leads) + (SELECT count(*) FROM messages))::integer
$$;

-- Writes an act of an operator that concerns no single lead, in the transaction of the act.
CREATE FUNCTION ledger.record_act(who text, act text, detail jsonb) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO ledger.operator_acts (who, act, detail) VALUES (who, act, detail)
$$;

-- What alerts need to know about leads. No personal data.
CREATE VIEW ledger.scorings AS
  SELECT lead_id, at, (detail->>'fitScore')::float AS fit_score, detail->>'scoreSource' AS score_source
  FROM ledger.events WHERE kind = 'enriched';
CREATE VIEW ledger.dead_letterings AS
  SELECT lead_id, seq, at, detail->>'stage' AS stage, detail->>'code' AS code
  FROM ledger.events WHERE kind = 'dead-lettered';
CREATE VIEW ledger.lead_summaries AS
  SELECT id AS lead_id, state, campaign_id, (enrichment->>'fitScore')::float AS fit_score, enrichment->>'intent' AS intent
  FROM ledger.leads;

-- What the mock CRM holds about a person, for an export.
CREATE VIEW mock_crm.held_records AS
  SELECT l.person_key, to_jsonb(l) || jsonb_build_object('campaignMembers', coalesce((
    SELECT jsonb_agg(to_jsonb(m) ORDER BY m.created_at) FROM mock_crm.campaign_members m WHERE m.lead_id = l.id), '[]')) AS record
  FROM mock_crm.leads l;
