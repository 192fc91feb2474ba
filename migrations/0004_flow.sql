-- What protects the downstreams, kept where it survives a wiped Redis and a new deployment: pause, breaker and rate of each
-- stage, which workers live, and what a lead has to do with the end of a worker.

CREATE SCHEMA flow;

CREATE TABLE flow.stages (
  stage           text PRIMARY KEY,
  paused_at       timestamptz,
  paused_by       text,
  breaker         text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half-open', 'recovering')),
  reason          text,                          -- dependency-down, rate-limited or configuration
  code            text,
  opened_at       timestamptz,                   -- first opening of this outage
  trips           integer NOT NULL DEFAULT 0,    -- openings in a row: the wait for the next probe doubles with each
  probe_at        timestamptz,
  probe_by        text,                          -- the worker that holds the probe, until probe_until
  probe_until     timestamptz,
  recovered_at    timestamptz,                   -- when the probe succeeded: the stage ramps up from here
  last_success_at timestamptz,
  next_slot_at    timestamptz NOT NULL DEFAULT '-infinity',
  slowed_to       real NOT NULL DEFAULT 1,       -- share of the configured rate, at slowed_at; it grows back from there
  slowed_at       timestamptz
);
INSERT INTO flow.stages (stage) VALUES ('enrichment'), ('crm-sync');

CREATE TABLE flow.workers (
  worker  text PRIMARY KEY,
  seen_at timestamptz NOT NULL
);

-- What operators did that concerns no single lead.
CREATE TABLE ledger.operator_acts (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT now(),
  who    text NOT NULL,
  act    text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}'
);

ALTER TABLE ledger.leads
  ADD COLUMN first_scoring_at timestamptz,                     -- of this revision: AI_DEADLINE_SECONDS counts from here
  ADD COLUMN suspicions       smallint NOT NULL DEFAULT 0,     -- workers that died while they had this lead, among others
  ADD COLUMN alone            boolean NOT NULL DEFAULT false,  -- the run under way has its worker for itself
  ADD COLUMN crashes          smallint NOT NULL DEFAULT 0,     -- workers that died while they had this lead alone
  ADD COLUMN low_priority     boolean NOT NULL DEFAULT false,  -- a replay or a re-score: fresh leads go first
  ADD COLUMN died_at          timestamptz;

-- The dead letters, newest first.
CREATE INDEX leads_dead ON ledger.leads (died_at DESC, id DESC) WHERE state = 'dead';
-- Leads that have failed and will be tried again: those that a breaker gives their attempts back to.
CREATE INDEX leads_retrying ON ledger.leads (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
