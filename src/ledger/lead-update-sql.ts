/**
 * What an UPDATE of many leads joins, in SQL: `arrays` unnested as `columns`, the first of them `id`. Each lead is
 * locked in the order of the ids, as the batches of webhooks do, so that two statements never deadlock. An UPDATE alone
 * locks in the order of its plan. Statements with SKIP LOCKED wait for no lock and need no order.
 */
export const lockInIdOrder = (arrays: string, columns: string) => `(
  SELECT given.* FROM unnest(${arrays}) AS given (${columns})
  JOIN ledger.leads held ON held.id = given.id
  ORDER BY given.id FOR NO KEY UPDATE OF held
)`;

/** Ends the run that has the lead. What is known about crashed workers stays. */
export const END_CLAIM = 'claimed_by = NULL, alone = false';

/** Ends the run, and with it every suspicion that the lead crashes its worker. */
export const RESET_CLAIM = `${END_CLAIM}, suspicions = 0, crashes = 0`;

/** Takes the number of the event that the same statement writes, so a lead's events have no gaps. */
export const NUMBER_EVENT = 'event_seq = l.event_seq + 1';

/** As NUMBER_EVENT; the sweeper also leaves the lead alone for SWEEP_INTERVAL_MS from now. */
export const TOUCH_AND_NUMBER_EVENT = `touched_at = now(), ${NUMBER_EVENT}`;

/** A write of a run that claimed the lead before no longer matches: see `fence` in migrations/0001_ledger.sql. */
export const RAISE_FENCE = `fence = nextval('ledger.fence')`;

/** Puts the lead back to the beginning of the pipeline, as new content does. */
export const FORGET_SCORE = 'enrichment = NULL, scorings = 0, enriched_at = NULL';

/**
 * Writes the event of each lead that `source` changed, in the commit of the change. `source` returns `id` and
 * `event_seq` after NUMBER_EVENT; `kind` and `detail` are SQL expressions over its columns.
 */
export const writeEvents = (kind: string, detail: string, source = 'done') => `
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), ${kind}, ${detail} FROM ${source}`;

/** Events that are kept of a lead: the first, and at least the newest. */
const FIRST_EVENTS = 100;
const NEWEST_EVENTS = 500;

/**
 * CTEs that bound the events of the leads in `source` (id, event_seq): without them a lead that is revised for ever
 * grows for ever. The event after the first ones is replaced by one that says up to which number events are removed.
 */
export const removeMiddleEvents = (source: string) => `removed AS (
  DELETE FROM ledger.events e USING ${source} s
  WHERE s.event_seq > ${FIRST_EVENTS + NEWEST_EVENTS + 1} AND e.lead_id = s.id
    AND e.seq > ${FIRST_EVENTS + 1} AND e.seq <= s.event_seq - ${NEWEST_EVENTS}
), marked AS (
  UPDATE ledger.events e SET kind = 'events-removed', detail = jsonb_build_object('upTo', s.event_seq - ${NEWEST_EVENTS})
  FROM ${source} s WHERE s.event_seq > ${FIRST_EVENTS + NEWEST_EVENTS + 1} AND e.lead_id = s.id AND e.seq = ${FIRST_EVENTS + 1}
)`;
