-- What operators are told: how fast leads are, and that something needs them. And what is erased when a person asks for it.

-- Speed to lead ends when the lead first reaches the CRM. A revision or a re-score empties or moves enriched_at and synced_at; these stay.
ALTER TABLE ledger.leads
  ADD COLUMN first_enriched_at timestamptz,
  ADD COLUMN first_synced_at   timestamptz;

-- All that a report about a window needs, so that it reads the window and nothing else.
CREATE INDEX leads_first_synced ON ledger.leads (first_synced_at) INCLUDE (received_at, first_enriched_at)
  WHERE first_synced_at IS NOT NULL;
-- Events are appended in the order of their time, so this tiny index finds a window among any number of them and costs a write next to nothing.
CREATE INDEX events_at ON ledger.events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- What was told to ALERT_WEBHOOK_URL, kept here so that another process goes on where one ended, and nothing is told twice.
CREATE TABLE flow.alerts (
  key     text PRIMARY KEY,                -- sla, breaker:crm-sync, dead-letters
  raised  boolean NOT NULL,                -- what was told last
  detail  text NOT NULL DEFAULT '',        -- a change of it is told too: the reason of a breaker
  told_at timestamptz NOT NULL DEFAULT now()
);

-- How far the audit trail was looked through for what is told once for each lead.
CREATE TABLE flow.alert_looks (
  kind       text PRIMARY KEY,             -- hot-lead, dead-letter
  began      timestamptz NOT NULL DEFAULT now(),
  seen_until timestamptz NOT NULL DEFAULT now(),
  told_at    timestamptz
);
CREATE TABLE flow.alerted_leads (
  kind    text NOT NULL,
  lead_id uuid NOT NULL,
  seq     integer NOT NULL,                -- of the event; 0 where a lead is told of once, whatever happens to it
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (lead_id, kind, seq)
);

-- Messages on their way. No personal data: ids, scores, counts.
CREATE TABLE flow.alert_messages (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text            text NOT NULL,
  lead_ids        uuid[] NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT now(),
  attempts        smallint NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now()
);

-- What was erased on a person's demand. It names nobody: the key is there only for as long as the CRM still has to be asked.
CREATE TABLE ledger.erasures (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  at         timestamptz NOT NULL DEFAULT now(),
  who        text NOT NULL,
  counts     jsonb NOT NULL,                -- rows a store
  person_key bytea,
  crm        text NOT NULL DEFAULT 'pending' CHECK (crm IN ('pending', 'done', 'by-hand')),
  crm_count  integer NOT NULL DEFAULT 0,
  final_at   timestamptz NOT NULL,          -- what was in hand at the time has ended by then: the CRM is asked once more
  next_at    timestamptz NOT NULL DEFAULT now(),
  failures   integer NOT NULL DEFAULT 0,
  last_code  text,                          -- why the CRM could not be asked
  asked_at   timestamptz,                   -- when the CRM answered last
  done_at    timestamptz
);
CREATE INDEX erasures_pending ON ledger.erasures (next_at) WHERE person_key IS NOT NULL;
CREATE INDEX erasures_at ON ledger.erasures (at);
