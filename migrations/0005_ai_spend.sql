-- What the models have cost, by the day in UTC: AI_DAILY_TOKEN_BUDGET is kept by all workers together.
CREATE TABLE flow.ai_spend (
  day    date PRIMARY KEY,
  tokens bigint NOT NULL
);
