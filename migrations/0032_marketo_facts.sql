-- Marketo also shows the owner of a person and what became of the lead. Where either changes, the person's fields are owed
-- again: `facts` is what they were when that was last so; null where nothing was known.
ALTER TABLE ledger.marketo_updates ADD COLUMN IF NOT EXISTS facts jsonb;

-- Rows are inserted in the order of these times.
CREATE INDEX IF NOT EXISTS outcomes_seen ON feedback.outcomes
  USING brin (first_seen_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS assignments_decided ON routing.assignments
  USING brin (decided_at) WITH (pages_per_range = 32, autosummarize = on);

-- Published to other modules.

-- What became of persons in sales, as far as it says how they are worked on.
CREATE OR REPLACE VIEW feedback.stages_reached AS
  SELECT id, person_key, kind, at, first_seen_at FROM feedback.outcomes WHERE kind NOT IN ('deleted', 'merged');

-- The owners of leads, with what is known of them.
CREATE OR REPLACE VIEW routing.current_owners AS
  SELECT a.id, a.person_key, a.owner_id, a.decided_at, m.name, m.email
  FROM routing.assignments a LEFT JOIN routing.members m ON m.user_id = a.owner_id
  WHERE a.ended_at IS NULL;
