-- What became of leads in the CRM or in another system, and what that says about scores. Read and written by
-- src/outcomes only, but for the functions and views at the end.

CREATE SCHEMA feedback;

-- Append-only: a correction is a further row. `at` is when it happened, `first_seen_at` when this service learnt of it.
CREATE TABLE feedback.outcomes (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_key    bytea NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('touched', 'qualified', 'disqualified', 'converted', 'opportunity', 'won',
                  'lost', 'deleted', 'merged')),
  at            timestamptz NOT NULL,
  amount        numeric(18, 2),
  currency      text,
  source        text NOT NULL,             -- salesforce, or the name that the other system was given
  crm_id        text NOT NULL DEFAULT '',  -- the record in the source
  reported_by   text,                      -- the operator's token, where another system reported it
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (source, crm_id, kind, at, person_key)
);
CREATE INDEX outcomes_person ON feedback.outcomes (person_key, at);
-- The report reads only these.
CREATE INDEX outcomes_conversions ON feedback.outcomes (kind, person_key) INCLUDE (at)
  WHERE kind IN ('qualified', 'converted', 'opportunity', 'won');

-- Up to where a source was read. Moved in the transaction that stores what was read.
CREATE TABLE feedback.cursors (
  name      text PRIMARY KEY,
  at        timestamptz NOT NULL,
  record_id text NOT NULL DEFAULT '',
  moved_at  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO feedback.cursors (name, at) VALUES ('first-scores', '-infinity');

-- Records that are asked for by id: opportunities of converted leads, and records that a person's lead was merged into.
CREATE TABLE feedback.followed_records (
  source     text NOT NULL,
  crm_id     text NOT NULL,
  object     text NOT NULL CHECK (object IN ('Lead', 'Opportunity')),
  person_key bytea NOT NULL,
  since      timestamptz NOT NULL,         -- of the conversion or merge: its outcomes are not earlier
  asked_at   timestamptz,                  -- when it was asked for last; null: never
  read_at    timestamptz,                  -- up to which time of the source's clock its changes are known
  PRIMARY KEY (source, crm_id, person_key)
);
CREATE INDEX followed_records_due ON feedback.followed_records (source, object, asked_at NULLS FIRST, crm_id);
CREATE INDEX followed_records_person ON feedback.followed_records (person_key);

-- One person whose leads the CRM merged. The person of a unit who was scored first counts for all of them.
CREATE TABLE feedback.merged_persons (
  person_key bytea PRIMARY KEY,
  unit       uuid NOT NULL
);
CREATE INDEX merged_persons_unit ON feedback.merged_persons (unit);

-- The score with which a person first reached the CRM: later scores may already know what became of the lead.
CREATE TABLE feedback.first_scores (
  person_key     bytea PRIMARY KEY,
  lead_id        uuid NOT NULL,
  campaign_id    text NOT NULL,
  score          smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
  score_source   text NOT NULL,
  scorer_version text NOT NULL,
  synced_at      timestamptz NOT NULL
);
CREATE INDEX first_scores_synced ON feedback.first_scores (synced_at) INCLUDE (score);

-- Calibrators, never changed once stored.
CREATE TABLE feedback.calibrations (
  version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  who        text NOT NULL,
  calibrator jsonb NOT NULL,
  fitted     jsonb NOT NULL                -- on what, and how good it is: counts, horizon, Brier scores out of time
);

-- The newest row says which calibrator is active; version null: none. `previous` is the row that a rollback returns to.
CREATE TABLE feedback.calibration_activations (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT now(),
  who      text NOT NULL,
  version  integer REFERENCES feedback.calibrations (version),
  previous integer REFERENCES feedback.calibration_activations (id)
);

-- Published to other modules.

-- Leads that reached the CRM, with the score that they had then. No personal data besides the person's key.
CREATE VIEW ledger.first_syncs AS
  SELECT l.id AS lead_id, l.person_key, l.campaign_id, l.first_synced_at AS synced_at,
    coalesce(s.score, (l.enrichment->>'fitScore')::smallint) AS score,
    coalesce(s.score_source, l.enrichment->>'scoreSource') AS score_source,
    coalesce(s.scorer_version, l.enrichment->>'scorerVersion') AS scorer_version
  FROM ledger.leads l
  LEFT JOIN LATERAL (
    SELECT (e.detail->>'fitScore')::smallint AS score, e.detail->>'scoreSource' AS score_source,
      e.detail->>'scorerVersion' AS scorer_version
    FROM ledger.events e
    WHERE e.lead_id = l.id AND e.kind = 'enriched' AND e.at <= l.first_synced_at
    ORDER BY e.seq DESC LIMIT 1
  ) s ON true
  WHERE l.first_synced_at > '-infinity';

-- Persons of whom the ledger has leads.
CREATE VIEW ledger.known_persons AS SELECT person_key, received_at FROM ledger.leads;

-- Removes what is held about a person's outcomes and scores. Returns how many rows. Transactions that write about persons
-- hold the same lock in shared mode: what they write before the erasure is deleted by it, and later ones find no lead.
CREATE FUNCTION feedback.erase_person(person_key bytea) RETURNS integer
LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(2120089618);
  WITH outcomes AS (DELETE FROM feedback.outcomes o WHERE o.person_key = erase_person.person_key RETURNING 1),
    followed AS (DELETE FROM feedback.followed_records f WHERE f.person_key = erase_person.person_key RETURNING 1),
    merged AS (DELETE FROM feedback.merged_persons m WHERE m.person_key = erase_person.person_key RETURNING 1),
    scores AS (DELETE FROM feedback.first_scores s WHERE s.person_key = erase_person.person_key RETURNING 1)
  SELECT ((SELECT count(*) FROM outcomes) + (SELECT count(*) FROM followed) + (SELECT count(*) FROM merged)
    + (SELECT count(*) FROM scores))::integer
$$;

-- What is held about a person's outcomes, for an export.
CREATE VIEW feedback.held_records AS
  SELECT person_key, 'outcome' AS record_kind, at, to_jsonb(o) - 'id' - 'person_key' AS record FROM feedback.outcomes o
  UNION ALL
  SELECT person_key, 'first score', synced_at, to_jsonb(s) - 'person_key' FROM feedback.first_scores s
  UNION ALL
  SELECT person_key, 'followed record', since, to_jsonb(f) - 'person_key' FROM feedback.followed_records f;
