-- The tokens of a day are the sum of what its models have cost. Earlier versions still write this table, so it stays for now.
COMMENT ON TABLE flow.ai_spend IS 'Written by versions before 0.2 only; flow.ai_costs has the same tokens by model.';
