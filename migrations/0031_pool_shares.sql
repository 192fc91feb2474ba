-- Each lead of a pool credits every member who is there with the share of its weight. So that a decision writes only the
-- member who got the lead, `shares` adds up what a weight of 1 was credited with. A member's row says with which weight it
-- has been credited since, and where the sum stood when the row was written.
CREATE TABLE routing.pool_shares (
  pool   text PRIMARY KEY,
  shares float8 NOT NULL
);
ALTER TABLE routing.pool_turns
  ADD COLUMN weight    float8 NOT NULL DEFAULT 0,  -- 0 while the member is away
  ADD COLUMN shares_at float8 NOT NULL DEFAULT 0;

-- The turns as they are now.
CREATE VIEW routing.turns AS
SELECT t.pool, t.rep, t.assigned, t.last_turn, t.weight, t.shares_at, coalesce(s.shares, 0) AS shares,
  t.credit + t.weight * (coalesce(s.shares, 0) - t.shares_at) AS credit,
  t.expected + t.weight * (coalesce(s.shares, 0) - t.shares_at) AS expected
FROM routing.pool_turns t LEFT JOIN routing.pool_shares s USING (pool);

-- A decision is marked as written soon after it: room for that in its page spares five entries in indexes.
ALTER TABLE routing.assignments SET (fillfactor = 70);

-- Versions of the rules are never removed: a look at them for each decision checks nothing.
ALTER TABLE routing.assignments DROP CONSTRAINT assignments_rules_version_fkey;
