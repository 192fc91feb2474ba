-- Leads that went on with a stand-in score are scored again when there is capacity; they stay `synced` meanwhile.
ALTER TABLE ledger.leads
  ADD COLUMN rescore_at       timestamptz NOT NULL DEFAULT '-infinity', -- not before; 'infinity': given up
  ADD COLUMN rescore_attempts smallint NOT NULL DEFAULT 0,              -- counted when it begins, so that a death counts too
  ADD COLUMN crm_owed         boolean NOT NULL DEFAULT false;           -- scored again, and the CRM does not know yet

CREATE INDEX leads_rescore ON ledger.leads (rescore_at)
  WHERE state = 'synced' AND (crm_owed OR (enrichment->'needsRescore')::boolean);
