-- The ledger: one row a lead, one line of audit an event. Everything that the service promises rests on these two tables.

CREATE SCHEMA ledger;

-- Each claim and each new revision takes the next number; a write of an older run no longer matches and is refused.
CREATE SEQUENCE ledger.fence AS bigint;

CREATE TABLE ledger.leads (
  id                  uuid PRIMARY KEY,                 -- UUIDv8 of SHA-256(email, campaign_id): the idempotency key
  person_key          bytea NOT NULL,                   -- SHA-256(email): the CRM Lead's External ID
  email               text NOT NULL,                    -- normalised
  email_raw           text NOT NULL,                    -- as sent
  campaign_id         text NOT NULL,
  name                text,
  attributes          jsonb NOT NULL DEFAULT '{}',
  replaced            jsonb,                            -- name and attributes before the newest revision, for its audit event

  state               text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'enriched', 'synced', 'dead', 'discarded')),
  revision            integer NOT NULL DEFAULT 1,
  epoch               integer NOT NULL DEFAULT 1,       -- part of the job id: raised by each re-queue
  fence               bigint NOT NULL DEFAULT nextval('ledger.fence'),
  claimed_by          text,
  claimed_at          timestamptz,
  enrichment_attempts smallint NOT NULL DEFAULT 0,      -- failures of this revision in this stage
  crm_sync_attempts   smallint NOT NULL DEFAULT 0,
  next_attempt_at     timestamptz,
  last_error          jsonb,

  enrichment          jsonb,
  scorings            smallint NOT NULL DEFAULT 0,      -- scorings of this revision: orders re-scores of one content
  crm                 jsonb,

  received_at         timestamptz NOT NULL,             -- of the first revision
  content_at          timestamptz NOT NULL,             -- of the newest revision
  enriched_at         timestamptz,
  synced_at           timestamptz,
  touched_at          timestamptz NOT NULL DEFAULT now(),
  event_seq           integer NOT NULL DEFAULT 1        -- the last event's seq; raised with each event, so the trail has no gaps
) WITH (fillfactor = 75);

-- The sweeper's walk, and the backlog count: only rows with work left are in it.
CREATE INDEX leads_open ON ledger.leads (id) INCLUDE (state) WHERE state IN ('received', 'enriched');
-- The projection: a person's rows, newest content first.
CREATE INDEX leads_person ON ledger.leads (person_key, content_at DESC);
-- The operator's lists, newest first, with keyset pagination.
CREATE INDEX leads_received ON ledger.leads (received_at DESC, id DESC);

-- No foreign key: every event is written by the statement that changes its lead, and the check would cost each ack a look-up.
CREATE TABLE ledger.events (
  lead_id uuid NOT NULL,
  seq     integer NOT NULL,
  at      timestamptz NOT NULL DEFAULT now(),
  kind    text NOT NULL,
  detail  jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (lead_id, seq)
);

-- What a revision changed, field by field: {"title": {"from": "Analyst", "to": "VP"}}. `replaced` is {name, attributes} before it.
CREATE FUNCTION ledger.changed_fields(replaced jsonb, name text, attributes jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(f.key, jsonb_build_object('from', f.before, 'to', f.after)), '{}')
  FROM (
    SELECT 'name' AS key, replaced->>'name' AS before, name AS after
    UNION ALL
    SELECT a.key, replaced->'attributes'->>a.key, a.value FROM jsonb_each_text(attributes) a
  ) f
  WHERE f.before IS DISTINCT FROM f.after
$$;
