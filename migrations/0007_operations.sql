-- What operators are told: how fast leads are.

-- Speed to lead ends when the lead first reaches the CRM. A revision or a re-score empties or moves enriched_at and synced_at; these stay.
ALTER TABLE ledger.leads
  ADD COLUMN first_enriched_at timestamptz,
  ADD COLUMN first_synced_at   timestamptz;

-- All that a report about a window needs, so that it reads the window and nothing else.
CREATE INDEX leads_first_synced ON ledger.leads (first_synced_at) INCLUDE (received_at, first_enriched_at)
  WHERE first_synced_at IS NOT NULL;
-- Events are appended in the order of their time, so this tiny index finds a window among any number of them and costs a write next to nothing.
CREATE INDEX events_at ON ledger.events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
