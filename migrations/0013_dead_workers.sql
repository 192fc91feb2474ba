-- The leads of a worker whose heartbeat stops get new jobs. A worker may declare others dead only after it has itself beaten steadily since
-- steady_since: after an outage of PostgreSQL all heartbeats are old. taken_until: a living worker is replacing the jobs of this one.
ALTER TABLE flow.workers
  ADD COLUMN steady_since timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN taken_until  timestamptz;
