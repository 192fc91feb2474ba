-- Trials of another scorer, prompt or profile (the challenger) against the one in use (the champion). Read and written by
-- src/trials only, but for the functions and views at the end.

CREATE SCHEMA trials;

CREATE TABLE trials.trials (
  id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind          text NOT NULL CHECK (kind IN ('backtest', 'shadow', 'challenge')),
  state         text NOT NULL CHECK (state IN ('selecting', 'running', 'done', 'stopped')),
  challenger    jsonb NOT NULL,                -- complete: it does not change when the champion does
  settings      jsonb NOT NULL,
  note          text NOT NULL DEFAULT '',
  who           text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  ended_at      timestamptz,
  reason        text,                          -- why it ended
  last_error    text,                          -- the code of the last failure of a whole system
  -- Up to where the first syncs of the ledger were read; a backtest selects its leads at once.
  position_at   timestamptz NOT NULL DEFAULT now(),
  position_id   uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  judged        integer NOT NULL DEFAULT 0,    -- conversions at the last comparison with outcomes
  leased_by     text,                          -- the worker that selects leads and applies the rules
  leased_until  timestamptz NOT NULL DEFAULT '-infinity',
  injections    jsonb,
  result        jsonb,                         -- the figures at the end, without leads
  CHECK ((ended_at IS NULL) = (state IN ('selecting', 'running')))
);
CREATE INDEX trials_open ON trials.trials (id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX trials_one_challenge ON trials.trials (kind) WHERE ended_at IS NULL AND kind = 'challenge';

-- One lead of a trial with both scores. `side`: which of them the trial itself makes.
CREATE TABLE trials.scores (
  trial_id      integer NOT NULL REFERENCES trials.trials (id) ON DELETE CASCADE,
  lead_id       uuid NOT NULL,
  person_key    bytea NOT NULL,
  revision      integer NOT NULL,
  first_content boolean NOT NULL,              -- the content with which the lead first reached the CRM
  side          text NOT NULL CHECK (side IN ('challenger', 'champion')),
  champion      jsonb,
  challenger    jsonb,
  error         text,                          -- of the challenger
  tries         smallint NOT NULL DEFAULT 0,
  claim         bigint NOT NULL DEFAULT 0,     -- raised by each claim: an older run writes nothing
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  added_at      timestamptz NOT NULL DEFAULT now(),
  scored_at     timestamptz,
  took_ms       integer,
  tokens        integer NOT NULL DEFAULT 0,
  cost_usd      float8 NOT NULL DEFAULT 0,
  distance      smallint GENERATED ALWAYS AS
                  (abs((challenger->>'fitScore')::smallint - (champion->>'fitScore')::smallint)) STORED,
  PRIMARY KEY (trial_id, lead_id)
);
CREATE INDEX scores_pending ON trials.scores (trial_id, claimed_until) WHERE scored_at IS NULL;
CREATE INDEX scores_scored ON trials.scores (trial_id, scored_at) INCLUDE (tokens);
CREATE INDEX scores_distance ON trials.scores (trial_id, distance DESC NULLS LAST);
CREATE INDEX scores_person ON trials.scores (person_key);
CREATE INDEX scores_added ON trials.scores (added_at);

-- The newest row says which scorer is in use; trial_id null: the one of the configuration. `previous` is the row that a
-- rollback returns to.
CREATE TABLE trials.champions (
  version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  who        text NOT NULL,
  trial_id   integer,
  challenger jsonb,
  previous   integer REFERENCES trials.champions (version)
);

-- Published to other modules.

-- Removes the scores of a person. Callers hold the lock of feedback.erase_person, which writers of scores take shared.
CREATE FUNCTION trials.erase_person(person_key bytea) RETURNS integer
LANGUAGE sql AS $$
  WITH scores AS (DELETE FROM trials.scores s WHERE s.person_key = erase_person.person_key RETURNING 1)
  SELECT count(*)::integer FROM scores
$$;

-- What trials hold about a person, for an export.
CREATE VIEW trials.held_records AS
  SELECT person_key, added_at AS at, to_jsonb(s) - 'person_key' - 'claim' - 'claimed_until' AS record FROM trials.scores s;
