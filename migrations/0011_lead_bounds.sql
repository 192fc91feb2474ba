-- A lead's row and its events have a bound, however often it is sent with other fields.

-- The fields of a lead after a revision: those that were sent, and of the others as many as fit, in the order of their
-- keys. The bounds are about twice those of one request, so an ordinary template never meets them.
CREATE FUNCTION ledger.merge_attributes(known jsonb, sent jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  merged jsonb := known || sent;
  field record;
  bytes integer;
  fields integer;
BEGIN
  IF octet_length(merged::text) <= 131072 AND (SELECT count(*) FROM jsonb_object_keys(merged)) <= 500 THEN
    RETURN merged;
  END IF;
  merged := sent;
  bytes := octet_length(sent::text);
  fields := (SELECT count(*) FROM jsonb_object_keys(sent));
  FOR field IN SELECT key, value, octet_length(key) + octet_length(value::text) + 6 AS size FROM jsonb_each(known)
    WHERE NOT sent ? key ORDER BY key COLLATE "C"
  LOOP
    CONTINUE WHEN bytes + field.size > 131072 OR fields >= 500;
    merged := merged || jsonb_build_object(field.key, field.value);
    bytes := bytes + field.size;
    fields := fields + 1;
  END LOOP;
  RETURN merged;
END $$;

-- For the event of a revision: {"removedFields": [...]} where the bounds removed fields, else {}.
CREATE FUNCTION ledger.removed_fields(known jsonb, merged jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN count(*) = 0 THEN '{}' ELSE jsonb_build_object('removedFields', jsonb_agg(key ORDER BY key)) END
  FROM jsonb_object_keys(known) key WHERE NOT merged ? key
$$;

-- `first_synced_at` is null exactly where a lead has never been in the CRM, so that indexes can answer for `crm IS
-- NULL`. Only leads that were synced
-- before the column existed lack it: for them it is '-infinity'.
UPDATE ledger.leads SET first_synced_at = '-infinity'
WHERE state IN ('received', 'enriched') AND crm IS NOT NULL AND first_synced_at IS NULL;
