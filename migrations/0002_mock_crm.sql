-- The CRM of ENV=MOCK: as strict as Salesforce about duplicates, so that a double would fail here too.

CREATE SCHEMA mock_crm;

CREATE TABLE mock_crm.leads (
  id           text PRIMARY KEY DEFAULT '00Q' || replace(gen_random_uuid()::text, '-', ''),
  person_key   bytea NOT NULL UNIQUE,
  version      bigint NOT NULL,                -- an older projection never overwrites a newer one
  email        text NOT NULL,
  last_name    text NOT NULL,
  first_name   text,
  company      text NOT NULL,
  attributes   jsonb NOT NULL,
  fit_score    smallint NOT NULL,
  intent       text NOT NULL,
  reasoning    text NOT NULL,
  score_source text NOT NULL,
  source_lead  uuid NOT NULL,                  -- the ledger row whose content this is
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE mock_crm.campaign_members (
  id           text PRIMARY KEY DEFAULT '00v' || replace(gen_random_uuid()::text, '-', ''),
  lead_id      text NOT NULL REFERENCES mock_crm.leads (id) ON DELETE CASCADE,
  campaign_id  text NOT NULL,
  responded_at timestamptz NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (lead_id, campaign_id)
);
