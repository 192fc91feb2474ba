-- Identity of people in Marketo, and the nightly extract of its activity log.

-- The id in Marketo that was shown to be this person's: only then is the record written by it.
ALTER TABLE ledger.marketo_updates ADD COLUMN verified_id bigint;
