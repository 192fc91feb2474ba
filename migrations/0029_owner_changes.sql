-- A change of an owner names the decision that it is about and the one that it made: one that stopped half way goes on.
-- Null: a process of the version before asked for it, or decided it.
ALTER TABLE routing.reassignments
  ADD COLUMN IF NOT EXISTS from_id bigint,   -- the assignment whose owner shall change; both are removed with the lead
  ADD COLUMN IF NOT EXISTS next_id bigint;   -- the assignment that was decided; null: not yet

-- The newest owner that the rules gave a person, among the decisions that ended as well.
DROP INDEX IF EXISTS routing.assignments_person;
CREATE INDEX assignments_person ON routing.assignments (person_key, id);

-- Open leads of an owner within a period, whatever the owner had before.
CREATE INDEX IF NOT EXISTS assignments_open ON routing.assignments (owner_id, decided_at) WHERE ended_at IS NULL;

-- What was sent lately is found by notices_settled: it is the notices of a minute.
DROP INDEX IF EXISTS first_touch.notices_sent;

-- Nothing fills routing.accounts.open_opportunities and .contacts. Only the version before reads them.
