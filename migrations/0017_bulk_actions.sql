-- Actions of operators on many leads or rejections at once: what was asked, and which rows it touched. Kept for 30 days.
CREATE TABLE ledger.bulk_actions (
  id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  at       timestamptz NOT NULL DEFAULT now(),
  who      text NOT NULL,
  kind     text NOT NULL,             -- replay-dead-letters, replay-rejections
  filter   jsonb NOT NULL,
  lead_ids uuid[] NOT NULL,           -- the leads that were touched, or that came of the rejections
  refused  jsonb NOT NULL DEFAULT '[]' -- rejections that are still wrong: {id, code, detail}
);
CREATE INDEX bulk_actions_at ON ledger.bulk_actions (at);
