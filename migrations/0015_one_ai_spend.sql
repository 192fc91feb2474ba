-- The tokens of a day are the sum of what its models have cost.
DROP TABLE flow.ai_spend;
