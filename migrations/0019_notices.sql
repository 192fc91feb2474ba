-- What an operator should correct in a downstream although no lead failed: an inactive owner, a campaign that is gone.
-- Ids and names of the downstream's configuration; no personal data. At most 1,000 rows, for 30 days.
CREATE TABLE flow.notices (
  kind       text NOT NULL,
  subject    text NOT NULL,              -- e.g. the id of the user or of the campaign
  reason     text NOT NULL,
  first_at   timestamptz NOT NULL DEFAULT now(),
  last_at    timestamptz NOT NULL DEFAULT now(),
  alerted_at timestamptz,
  PRIMARY KEY (kind, subject)
);
