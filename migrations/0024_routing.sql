-- Who owns a lead, and why. Read and written by src/routing only, but for the views at the end. All of it stays empty while
-- ROUTING_RULES is not set.

CREATE SCHEMA routing;

-- Versions of the rules, never changed once stored.
CREATE TABLE routing.rule_versions (
  version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT now(),
  who     text NOT NULL,                   -- the operator's token, or 'file' for the file of ROUTING_RULES
  note    text NOT NULL DEFAULT '',
  hash    bytea NOT NULL UNIQUE,           -- SHA-256 of the rules as they were parsed
  rules   jsonb NOT NULL
);

-- The newest row says which version is active. `previous` is the row that a rollback returns to.
CREATE TABLE routing.activations (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT now(),
  who      text NOT NULL,
  version  integer NOT NULL REFERENCES routing.rule_versions (version),
  previous integer REFERENCES routing.activations (id)
);

-- Decisions. A lead has at most one that has not ended. Ids follow the order of the decisions, since one process decides at a
-- time. They are removed with their lead, by an erasure and by the retention.
CREATE TABLE routing.assignments (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lead_id       uuid NOT NULL REFERENCES ledger.leads (id) ON DELETE CASCADE,
  person_key    bytea NOT NULL,
  revision      integer NOT NULL,
  owner_id      text NOT NULL,             -- the user or queue in the CRM
  rep           text,                      -- of the rules; null for a queue and for an owner whom the rules do not name
  pool          text,                      -- null where no pool was asked
  rule          text NOT NULL,
  rules_version integer NOT NULL REFERENCES routing.rule_versions (version),
  band          text,
  trace         jsonb NOT NULL,            -- each step that was tried, in order: [{name, outcome, why}]
  decided_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  written_at    timestamptz,               -- the CRM has this owner
  ended_at      timestamptz,
  end_reason    text
);
CREATE UNIQUE INDEX assignments_current ON routing.assignments (lead_id) WHERE ended_at IS NULL;
CREATE INDEX assignments_lead ON routing.assignments (lead_id, id);
CREATE INDEX assignments_person ON routing.assignments (person_key) WHERE ended_at IS NULL;
CREATE INDEX assignments_owner ON routing.assignments (owner_id, id);

-- Users of the CRM, mirrored by poll or imported; `absent` is edited by operators and never by the mirror.
CREATE TABLE routing.members (
  user_id    text PRIMARY KEY,
  name       text,
  email      text,
  active     boolean NOT NULL DEFAULT true,
  manager_id text,
  time_zone  text,
  absent     jsonb NOT NULL DEFAULT '[]',  -- [{from, to}]: days, or local times to the minute, both included
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- The turn of each member of each pool.
CREATE TABLE routing.pool_turns (
  pool      text NOT NULL,
  rep       text NOT NULL,
  credit    float8 NOT NULL DEFAULT 0,     -- leads that the member is owed; negative: had before its share
  assigned  integer NOT NULL DEFAULT 0,    -- since `since`
  expected  float8 NOT NULL DEFAULT 0,     -- the member's share of what the pool got since then, while the member was there
  last_turn bigint NOT NULL DEFAULT 0,     -- the decision that chose the member last
  since     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (pool, rep)
);

-- How many leads a member got on a day of its own time zone.
CREATE TABLE routing.daily_counts (
  rep      text NOT NULL,
  day      date NOT NULL,
  assigned integer NOT NULL,
  PRIMARY KEY (rep, day)
);

-- Owners that shall change: by an operator, or because nobody acted on the lead. A worker carries each out once.
CREATE TABLE routing.reassignments (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lead_id      uuid NOT NULL REFERENCES ledger.leads (id) ON DELETE CASCADE,
  to_owner     text,                       -- null: the rules decide, and earlier owners are passed over
  who          text NOT NULL,
  reason       text NOT NULL,
  end_reason   text NOT NULL,              -- of the assignment that ends
  requested_at timestamptz NOT NULL DEFAULT now(),
  due_at       timestamptz NOT NULL DEFAULT now(),
  done_at      timestamptz,
  outcome      text,                       -- reassigned, sales took over, …
  owner_id     text                        -- the owner since then
);
CREATE INDEX reassignments_due ON routing.reassignments (due_at) WHERE done_at IS NULL;
CREATE UNIQUE INDEX reassignments_open ON routing.reassignments (lead_id) WHERE done_at IS NULL;
CREATE INDEX reassignments_lead ON routing.reassignments (lead_id, id);

-- Accounts of the CRM by the domains of their website and of their contacts.
CREATE TABLE routing.accounts (
  account_id         text PRIMARY KEY,
  owner_id           text NOT NULL,
  name               text,
  type               text,
  industry           text,
  parent_id          text,
  open_opportunities integer NOT NULL DEFAULT 0,
  contacts           integer NOT NULL DEFAULT 0,
  created_at         timestamptz,
  updated_at         timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE routing.account_domains (
  domain     text NOT NULL,
  account_id text NOT NULL REFERENCES routing.accounts (account_id) ON DELETE CASCADE,
  PRIMARY KEY (domain, account_id)
);
CREATE INDEX account_domains_account ON routing.account_domains (account_id);

-- Up to where the mirror was read.
CREATE TABLE routing.cursors (
  name      text PRIMARY KEY,
  at        timestamptz NOT NULL,
  record_id text NOT NULL DEFAULT '',
  moved_at  timestamptz NOT NULL DEFAULT now()
);

-- Published to other modules.

ALTER TABLE mock_crm.leads ADD COLUMN owner_id text;

-- When something became of a person's lead: such a lead is no longer open for its owner.
CREATE VIEW feedback.person_outcomes AS SELECT person_key, at FROM feedback.outcomes;

-- What is held about a person's owners, for an export.
CREATE VIEW routing.held_records AS
  SELECT person_key, 'assignment' AS record_kind, decided_at AS at, to_jsonb(a) - 'id' - 'person_key' AS record
  FROM routing.assignments a;
