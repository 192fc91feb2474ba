/**
 * SQL that an UPDATE of many leads joins: `arrays` unnested as `columns`, of which the first is `id`. It locks the
 * leads in id order, as webhook batches do, so that two statements never deadlock. A plain UPDATE locks in the order of
 * its plan. Statements with SKIP LOCKED wait for no lock and need no order.
 */
export const lockInIdOrder = (arrays: string, columns: string) => `(
  SELECT given.* FROM unnest(${arrays}) AS given (${columns})
  JOIN ledger.leads held ON held.id = given.id
  ORDER BY given.id FOR NO KEY UPDATE OF held
)`;

/** Ends the claim. What is known about crashed workers stays. */
export const END_CLAIM = 'claimed_by = NULL, alone = false';

/** Ends the claim, and clears the suspicion that the lead crashes its worker. */
export const RESET_CLAIM = `${END_CLAIM}, suspicions = 0, crashes = 0`;

/** Increments the event number for the event that the same statement writes, so that a lead's events have no gaps. */
export const NUMBER_EVENT = 'event_seq = l.event_seq + 1';

/** As NUMBER_EVENT. It also keeps the sweeper from checking the lead's job for SWEEP_INTERVAL_MS. */
export const TOUCH_AND_NUMBER_EVENT = `touched_at = now(), ${NUMBER_EVENT}`;

/** Invalidates writes of earlier runs: see `fence` in migrations/0001_ledger.sql. */
export const RAISE_FENCE = `fence = nextval('ledger.fence')`;

/** Returns the lead to the start of the pipeline, as new content does. */
export const FORGET_SCORE = 'enrichment = NULL, scorings = 0, enriched_at = NULL';

/**
 * Writes an event for each lead that `source` changed, in the same commit. `source` returns `id` and `event_seq` after
 * NUMBER_EVENT. `kind` and `detail` are SQL expressions over its columns.
 */
export const writeEvents = (kind: string, detail: string, source = 'done') => `
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), ${kind}, ${detail} FROM ${source}`;

/** Number of first events of a lead that are kept, and the least number of newest events. */
const FIRST_EVENTS = 100;
const NEWEST_EVENTS = 500;

/**
 * CTEs that bound the events of the leads in `source` (id, event_seq), since a lead that is revised often would grow
 * without limit. The event after the first ones is replaced by one with the number of the last removed event.
 */
export const removeMiddleEvents = (source: string) => `removed AS (
  DELETE FROM ledger.events e USING ${source} s
  WHERE s.event_seq > ${FIRST_EVENTS + NEWEST_EVENTS + 1} AND e.lead_id = s.id
    AND e.seq > ${FIRST_EVENTS + 1} AND e.seq <= s.event_seq - ${NEWEST_EVENTS}
), marked AS (
  UPDATE ledger.events e SET kind = 'events-removed', detail = jsonb_build_object('upTo', s.event_seq - ${NEWEST_EVENTS})
  FROM ${source} s WHERE s.event_seq > ${FIRST_EVENTS + NEWEST_EVENTS + 1} AND e.lead_id = s.id AND e.seq = ${FIRST_EVENTS + 1}
)`;
