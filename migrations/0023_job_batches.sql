-- A job of the queue names up to a hundred leads. The row has the id of the job that names it, so that the sweeper asks
-- the queue for jobs and not for leads. Null: the lead has no job, or a job of an earlier version, whose id is made of
-- the lead's id and its epoch.
ALTER TABLE ledger.leads ADD COLUMN job_id uuid;
