-- The W3C trace context of the webhook that brought the newest content: the stages go on with its trace. Null where nobody traces.
ALTER TABLE ledger.leads ADD COLUMN traceparent text;
