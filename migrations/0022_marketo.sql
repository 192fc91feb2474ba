-- Marketo in both directions: what is owed to it, and what its own activity log says about our webhook. All of it stays empty
-- while MARKETO_BASE_URL is not set.

-- One row per task, as flow.stages for the stages of the pipeline: pause, breaker, and the process that runs it.
CREATE TABLE ledger.marketo_stages (
  stage        text PRIMARY KEY,
  paused_at    timestamptz,
  paused_by    text,
  open_until   timestamptz,                  -- the breaker: no call before this
  opened_at    timestamptz,
  failures     integer NOT NULL DEFAULT 0,   -- openings in a row: the wait doubles with each
  code         text,
  message      text,
  leased_by    text,
  leased_until timestamptz,                  -- longer than a call may take: no two processes write at a time
  next_slot_at timestamptz NOT NULL DEFAULT '-infinity',
  position     timestamptz,                  -- scorings, or activities, up to here are in the tables below
  calls        bigint NOT NULL DEFAULT 0,
  records      bigint NOT NULL DEFAULT 0,    -- people written
  quota        jsonb                         -- {used, at, day}: calls of the day, of all integrations of the instance
);
INSERT INTO ledger.marketo_stages (stage) VALUES ('marketo-sync'), ('marketo-reconciliation');

-- What Marketo should show of each person. The newest version is owed; what was sent is kept, so that only changes are written.
CREATE TABLE ledger.marketo_updates (
  person_key   bytea PRIMARY KEY,
  marketo_id   bigint,
  by_email     boolean NOT NULL DEFAULT false,   -- Marketo knows nobody of this id any more
  version      bigint NOT NULL,
  sent_version bigint NOT NULL DEFAULT 0,
  sent         jsonb NOT NULL DEFAULT '{}',
  state        text NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'sent', 'skipped', 'dead')),
  owed_at      timestamptz NOT NULL DEFAULT now(),
  due_at       timestamptz NOT NULL DEFAULT now(),
  held_until   timestamptz,                      -- Marketo may still be executing a call with older values
  last_code    text,
  last_message text,
  settled_at   timestamptz
);
CREATE INDEX marketo_updates_due ON ledger.marketo_updates (due_at) INCLUDE (owed_at, held_until) WHERE state = 'owed';
CREATE INDEX marketo_updates_ended ON ledger.marketo_updates (state, last_code) WHERE state IN ('skipped', 'dead');
CREATE INDEX marketo_updates_person ON ledger.marketo_updates (marketo_id, version) WHERE marketo_id IS NOT NULL;

-- Erased people: fields that are still to be cleared in Marketo, then for some days only the id, so that a webhook call of
-- before the erasure is not taken in by the reconciliation.
CREATE TABLE ledger.marketo_erasures (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  marketo_id bigint NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  fields     text[] NOT NULL,
  done_at    timestamptz
);
CREATE INDEX marketo_erasures_due ON ledger.marketo_erasures (id) WHERE done_at IS NULL;
CREATE INDEX marketo_erasures_person ON ledger.marketo_erasures (marketo_id);

-- A comparison of a window of Marketo's activity log with the ledger. An open one is continued wherever a process ended.
CREATE TABLE ledger.marketo_runs (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  requested_by text,                             -- the operator; null: by schedule
  mode         text NOT NULL CHECK (mode IN ('report', 'repair')),
  from_at      timestamptz NOT NULL,
  to_at        timestamptz NOT NULL,
  started_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  token        text,                             -- where the next page begins
  read_all     boolean NOT NULL DEFAULT false,
  activities   integer NOT NULL DEFAULT 0,
  calls        integer NOT NULL DEFAULT 0,
  counts       jsonb NOT NULL DEFAULT '{}',      -- by class
  webhooks     jsonb NOT NULL DEFAULT '[]',      -- other webhooks that were seen
  code         text,
  message      text
);
CREATE INDEX marketo_runs_open ON ledger.marketo_runs (id) WHERE ended_at IS NULL;

-- The calls of our webhook as Marketo logged them, and what the ledger has of each. Kept for seven days.
CREATE TABLE ledger.marketo_calls (
  guid        text PRIMARY KEY,
  marketo_id  bigint NOT NULL,
  campaign_id bigint,
  at          timestamptz NOT NULL,
  failed      boolean NOT NULL,                  -- Marketo logged an error
  class       text,                              -- null: not compared yet
  lead_id     uuid,
  seq         integer,                           -- the event that it was matched with
  reason      text
);
CREATE INDEX marketo_calls_at ON ledger.marketo_calls (at);
CREATE INDEX marketo_calls_person ON ledger.marketo_calls (marketo_id);
CREATE INDEX marketo_calls_open ON ledger.marketo_calls (at) WHERE class IS NULL OR class = 'missing';
CREATE UNIQUE INDEX marketo_calls_event ON ledger.marketo_calls (lead_id, seq) WHERE seq IS NOT NULL;

-- Which campaign_id the webhook's template sends for a campaign of Marketo, learned from calls that arrived.
CREATE TABLE ledger.marketo_campaigns (
  campaign_id bigint NOT NULL,
  sent_as     text NOT NULL,
  seen_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (campaign_id, sent_as)
);
