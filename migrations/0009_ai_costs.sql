-- What each model has cost, by the day in UTC; one row a day and model, written once a second by each worker that spends.
CREATE TABLE flow.ai_costs (
  day           date NOT NULL,
  provider      text NOT NULL,
  model         text NOT NULL,                 -- '' where the provider names none
  scorings      bigint NOT NULL,
  input_tokens  bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cost_usd      double precision NOT NULL,     -- an estimate by the price table
  PRIMARY KEY (day, provider, model)
);
