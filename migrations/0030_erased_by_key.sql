-- A webhook call of before an erasure may belong to a person whose Marketo id was never known here: the template has no
-- marketo_id, or the call is the one that did not arrive. So each erasure is also kept as a SHA-256 of the person's key.
ALTER TABLE ledger.marketo_erasures ALTER COLUMN marketo_id DROP NOT NULL;
ALTER TABLE ledger.marketo_erasures ADD COLUMN IF NOT EXISTS person_hash bytea;
CREATE INDEX IF NOT EXISTS marketo_erasures_hash ON ledger.marketo_erasures (person_hash) WHERE person_hash IS NOT NULL;
