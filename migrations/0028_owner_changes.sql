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

-- Lists of the leads of an owner, newest first. The time is the lead's, so that the list has one order and one index. A
-- trigger writes it, since processes of the version before store decisions too.
ALTER TABLE routing.assignments ADD COLUMN IF NOT EXISTS received_at timestamptz;
UPDATE routing.assignments a SET received_at = l.received_at FROM ledger.leads l
  WHERE l.id = a.lead_id AND a.received_at IS NULL;

CREATE OR REPLACE FUNCTION routing.add_received_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT l.received_at INTO NEW.received_at FROM ledger.leads l WHERE l.id = NEW.lead_id;
  RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER add_received_at BEFORE INSERT ON routing.assignments
  FOR EACH ROW EXECUTE FUNCTION routing.add_received_at();

CREATE INDEX IF NOT EXISTS assignments_owned ON routing.assignments (owner_id, received_at, lead_id) WHERE ended_at IS NULL;

-- Published to the lists of leads: who owns a lead now.
CREATE OR REPLACE VIEW routing.lead_owners AS
  SELECT owner_id, received_at AS lead_received_at, lead_id FROM routing.assignments WHERE ended_at IS NULL;
