-- Identity of people in Marketo, and the nightly extract of its activity log.

-- The id in Marketo that was shown to be this person's: only then is the record written by it.
ALTER TABLE ledger.marketo_updates ADD COLUMN verified_id bigint;

-- A run reads the log by paging tokens, or a whole day of it as one file that Marketo makes (a job of its own there).
ALTER TABLE ledger.marketo_runs
  ADD COLUMN source    text NOT NULL DEFAULT 'log' CHECK (source IN ('log', 'extract')),
  ADD COLUMN export_id text,
  ADD COLUMN next_at   timestamptz,                  -- no call of Marketo for an extract before this
  ADD COLUMN failures  integer NOT NULL DEFAULT 0;   -- of an extract, in a row: the wait doubles with each

-- Days of the log that were compared as a whole end here.
ALTER TABLE ledger.marketo_stages ADD COLUMN extracted_until timestamptz;

-- Calls of a file whose checksum is not known yet. They are of no use where it is wrong, or where the process ended.
CREATE TABLE ledger.marketo_extracted (
  run_id      bigint NOT NULL REFERENCES ledger.marketo_runs (id) ON DELETE CASCADE,
  guid        text NOT NULL,
  marketo_id  bigint NOT NULL,
  campaign_id bigint,
  at          timestamptz NOT NULL,
  failed      boolean NOT NULL
);
CREATE INDEX marketo_extracted_run ON ledger.marketo_extracted (run_id);

-- Calls are kept for so many days after they were read: an extract reads calls that are older than that.
ALTER TABLE ledger.marketo_calls ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX marketo_calls_stored ON ledger.marketo_calls (stored_at);
