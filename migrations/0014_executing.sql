-- A crash is suspected of the leads that the worker was running, not of those that waited for the model's next free slot.
ALTER TABLE ledger.leads ADD COLUMN executing boolean NOT NULL DEFAULT false;
