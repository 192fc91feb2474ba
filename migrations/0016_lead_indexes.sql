-- no transaction
-- Indexes for lists and for monitoring, built while acknowledgements go on. Each is dropped first: a build that was
-- interrupted leaves an invalid index behind.

-- What waits: the sweeper's pages, and every figure about open leads without reading their rows. Replaces leads_open.
DROP INDEX CONCURRENTLY IF EXISTS ledger.leads_waiting;
CREATE INDEX CONCURRENTLY leads_waiting ON ledger.leads (id)
  INCLUDE (state, content_at, received_at, first_synced_at, low_priority) WHERE state IN ('received', 'enriched');
DROP INDEX CONCURRENTLY IF EXISTS ledger.leads_open;

-- Lists by campaign, newest first.
DROP INDEX CONCURRENTLY IF EXISTS ledger.leads_campaign;
CREATE INDEX CONCURRENTLY leads_campaign ON ledger.leads (campaign_id, received_at DESC, id DESC);

-- Lists by a state that leads stay in. Open leads are found by leads_waiting, or among the newest.
DROP INDEX CONCURRENTLY IF EXISTS ledger.leads_ended;
CREATE INDEX CONCURRENTLY leads_ended ON ledger.leads (state, received_at DESC, id DESC)
  WHERE state IN ('synced', 'dead', 'discarded');
