-- What the calls of models for a trial spent on the day (UTC). It was a sum over the rows of the day. Erasures remove
-- rows, and calls without a score of use have none, so a trial could spend more than its budget.
ALTER TABLE trials.trials
  ADD COLUMN IF NOT EXISTS tokens_on    date NOT NULL DEFAULT '-infinity',
  ADD COLUMN IF NOT EXISTS tokens_spent bigint NOT NULL DEFAULT 0;

-- Open trials keep what they have spent today.
UPDATE trials.trials t SET tokens_on = (now() AT TIME ZONE 'UTC')::date, tokens_spent = s.tokens
FROM (
  SELECT trial_id, sum(tokens)::bigint AS tokens FROM trials.scores
  WHERE scored_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' GROUP BY trial_id
) s
WHERE t.id = s.trial_id AND t.ended_at IS NULL AND t.tokens_on = '-infinity';

-- It served that sum alone.
DROP INDEX IF EXISTS trials.scores_scored;

-- Tries with no answer because of a limit of calls counted too. From now on a row with too many tries fails.
UPDATE trials.scores SET tries = 0 WHERE scored_at IS NULL AND tries > 0;
