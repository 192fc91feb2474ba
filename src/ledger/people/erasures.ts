import type { ErrorCode } from '../../domain/error-catalog.js';
import type { Pool } from '../../platform/database/pool.js';
import type { OpenLead } from '../open-leads.repository.js';
import type { ErasedCounts } from '../erasures.repository.js';

/** What an erasure did and still has to do. It names nobody. */
export interface Receipt {
  id: string;
  at: Date;
  who: string;
  counts: ErasedCounts;
  crm: 'pending' | 'done' | 'by-hand';
  crmCount: number;
  /** Where it is pending: whether the CRM has answered once, and when it is asked for the last time. */
  asked: boolean;
  finalAt: Date;
  lastCode: string | null;
  doneAt: Date | null;
}

/** A person whom the CRM is to forget. */
export interface DueErasure {
  id: string;
  personKey: string;
  failures: number;
}

export async function findReceipt(pool: Pool, id: string): Promise<Receipt | null> {
  const { rows } = await pool.query<Receipt>(
    `SELECT id, at, who, counts, crm, crm_count AS "crmCount", final_at AS "finalAt",
       asked_at IS NOT NULL AS asked, last_code AS "lastCode", done_at AS "doneAt"
     FROM ledger.erasures WHERE id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export async function recordErasedJobs(pool: Pool, id: string, jobs: number): Promise<void> {
  await pool.query(`UPDATE ledger.erasures SET counts = counts || jsonb_build_object('jobs', $2::int) WHERE id = $1`, [id, jobs]);
}

export async function dueErasures(pool: Pool, limit: number): Promise<DueErasure[]> {
  const { rows } = await pool.query<DueErasure>(
    `SELECT id, encode(person_key, 'hex') AS "personKey", failures FROM ledger.erasures
     WHERE person_key IS NOT NULL AND next_at <= now() ORDER BY next_at LIMIT $1`,
    [limit],
  );
  return rows;
}

/** Of the newest erasure; null where there was none. Whoever remembers something in memory forgets it when this changes. */
export async function lastErasure(pool: Pool): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM ledger.erasures ORDER BY at DESC LIMIT 1');
  return rows[0]?.id ?? null;
}

/**
 * The CRM has forgotten the person: for good where everything has ended that was in hand, else until the last pass.
 * Leads that were sent again since may have been in the CRM by then and are gone from it too: they are brought there once more, and the
 * fence makes a run that is writing now do it over.
 */
const FORGOTTEN = `
WITH held AS ( -- in the order of in-order.ts
  SELECT id FROM ledger.leads WHERE person_key = decode($2, 'hex') ORDER BY id FOR NO KEY UPDATE
), again AS (
  UPDATE ledger.leads l SET state = 'enriched', epoch = l.epoch + 1, fence = nextval('ledger.fence'), claimed_by = NULL, next_attempt_at = NULL,
    touched_at = now(), event_seq = l.event_seq + 1
  FROM held WHERE l.id = held.id AND l.state IN ('enriched', 'synced')
  RETURNING l.id, l.epoch, l.state, l.content_at, l.next_attempt_at, l.low_priority, l.event_seq
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, at, kind, detail)
  SELECT id, event_seq, clock_timestamp(), 'resync', '{"reason": "the CRM was asked to forget what it had before"}' FROM again
), done AS (
  UPDATE ledger.erasures SET crm_count = crm_count + $3, failures = 0, last_code = NULL, asked_at = now(),
    crm = CASE WHEN final_at <= now() THEN 'done' ELSE crm END,
    person_key = CASE WHEN final_at <= now() THEN NULL ELSE person_key END,
    done_at = CASE WHEN final_at <= now() THEN now() END,
    next_at = final_at
  WHERE id = $1
)
SELECT id AS "leadId", epoch, state, content_at AS "contentAt", next_attempt_at AS "nextAttemptAt", low_priority AS "lowPriority" FROM again`;

/** @returns leads to be announced to the CRM's stage. */
export async function recordForgotten(pool: Pool, { id, personKey }: DueErasure, records: number): Promise<OpenLead[]> {
  const { rows } = await pool.query<OpenLead>(FORGOTTEN, [id, personKey, records]);
  return rows;
}

/** This CRM cannot be asked: somebody has to. */
export async function leaveToHand(pool: Pool, id: string): Promise<void> {
  await pool.query("UPDATE ledger.erasures SET crm = 'by-hand', person_key = NULL, done_at = now() WHERE id = $1", [id]);
}

export async function postponeErasure(pool: Pool, id: string, delayMs: number, code: ErrorCode): Promise<void> {
  await pool.query(
    `UPDATE ledger.erasures SET failures = failures + 1, last_code = $3, next_at = now() + make_interval(secs => $2 / 1000.0) WHERE id = $1`,
    [id, delayMs, code],
  );
}

/** A run wrote to the CRM after its lead was erased: the CRM is asked once more. @returns whether that was so. */
export async function eraseAgainIfGone(pool: Pool, { id, personKey }: { id: string; personKey: string }): Promise<boolean> {
  const { rowCount } = await pool.query(
    `INSERT INTO ledger.erasures (who, counts, person_key, final_at)
     SELECT 'late write', '{}', decode($2, 'hex'), now() WHERE NOT EXISTS (SELECT 1 FROM ledger.leads WHERE id = $1)`,
    [id, personKey],
  );
  return rowCount === 1;
}
