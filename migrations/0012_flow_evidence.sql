-- What each worker saw of the downstreams in the last minute: whether a lead's failure is its own is decided from what all workers saw.
ALTER TABLE flow.workers ADD COLUMN evidence jsonb NOT NULL DEFAULT '{}';

-- Why a breaker is open, in words: the sentence of the error that opened it, and what the downstream answered, without personal data.
ALTER TABLE flow.stages ADD COLUMN message text, ADD COLUMN answer text;
