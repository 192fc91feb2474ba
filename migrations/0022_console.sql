-- Lists of leads that operators saved by name; the query is that of the page's address, without the search text.
CREATE TABLE ledger.saved_views (
  name  text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 60),
  query text NOT NULL CHECK (length(query) <= 2000),
  who   text NOT NULL,
  at    timestamptz NOT NULL DEFAULT now()
);

-- The share of a downstream's daily API calls that is used, as its last answer to any worker said.
CREATE TABLE flow.api_usage (
  api   text PRIMARY KEY,
  share float8 NOT NULL,
  at    timestamptz NOT NULL DEFAULT now()
);

-- Rows of a bulk action that wait for their turn, so that any process continues it after a restart.
ALTER TABLE ledger.bulk_actions
  ADD COLUMN open_ids   uuid[] NOT NULL DEFAULT '{}',
  ADD COLUMN per_second float8 NOT NULL DEFAULT 10;
CREATE INDEX bulk_actions_open ON ledger.bulk_actions (at) WHERE open_ids <> '{}';
