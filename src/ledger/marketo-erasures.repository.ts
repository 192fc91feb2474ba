import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';

/**
 * An erased person is remembered so long, and until the windows of the reconciliation, open runs included, have passed
 * the erasure: a call of before it must not bring the person back. So a repair that an operator asks for begins no
 * earlier. Marketo keeps such activities for some months at most.
 */
export const ERASURES_KEPT_DAYS = 8;
const KEPT_DAYS_AT_MOST = 90;
/** A window overlaps the one before by less, and an extract compares calls that Marketo has logged up to a day late. */
const OVERLAP = '25 hours';

/** Repairs of one moment hold it together, an erasure alone; any number that no other lock has. */
const REPAIR_LOCK = 2_120_089_624;

/** First in a transaction that takes in leads which were read from Marketo. */
export const LOCK_FOR_REPAIR = `SELECT pg_advisory_xact_lock_shared(${REPAIR_LOCK})`;

/**
 * First in the transaction of an erasure, before it locks rows: a repair whose copy of the person is older than the
 * erasure has ended, and its lead is erased too, or begins after the erasure and sees it.
 */
export async function waitForRepairs(transaction: Queryable): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock($1)', [REPAIR_LOCK]);
}

export interface MarketoErasure {
  id: string;
  marketoId: number;
  /** The fields that this service wrote. */
  fields: string[];
  /** The person was written again since, after a new webhook: nothing is to be cleared. */
  rewritten: boolean;
}

/** Selects what is held about a person for Marketo; $1 is the person's key. */
export const EXPORT_MARKETO = `
SELECT to_jsonb(u) - 'person_key' AS record FROM ledger.marketo_updates u WHERE person_key = decode($1, 'hex')
UNION ALL
SELECT to_jsonb(c) FROM ledger.marketo_calls c WHERE marketo_id IN (
  SELECT marketo_id FROM ledger.marketo_updates WHERE person_key = decode($1, 'hex')
  UNION SELECT (attributes->>'marketo_id')::bigint FROM ledger.leads
  WHERE person_key = decode($1, 'hex') AND attributes->>'marketo_id' ~ '^[0-9]{1,15}$')`;

/**
 * Removes what is held about a person for Marketo, within the transaction of the erasure; its leads must still be
 * there. The person is remembered by a hash even where Marketo was never in use: the first comparison, of the days
 * before it was set up, must not bring the person back.
 */
export async function eraseMarketoPerson(transaction: Queryable, personKey: string): Promise<void> {
  await transaction.query(
    `WITH gone AS (
       DELETE FROM ledger.marketo_updates WHERE person_key = decode($1, 'hex') RETURNING marketo_id, sent
     ), known AS (
       SELECT marketo_id, ARRAY(SELECT jsonb_object_keys(sent)) AS fields FROM gone WHERE marketo_id IS NOT NULL
       UNION ALL
       SELECT DISTINCT (attributes->>'marketo_id')::bigint, '{}'::text[] FROM ledger.leads
       WHERE person_key = decode($1, 'hex') AND attributes->>'marketo_id' ~ '^[0-9]{1,15}$'
     ), calls AS (
       DELETE FROM ledger.marketo_calls WHERE marketo_id IN (SELECT marketo_id FROM known)
     ), by_key AS (
       INSERT INTO ledger.marketo_erasures (person_hash, fields, done_at) VALUES (sha256(decode($1, 'hex')), '{}', now())
     )
     INSERT INTO ledger.marketo_erasures (marketo_id, fields, done_at)
     SELECT marketo_id, fields, CASE WHEN fields = '{}' THEN now() END FROM known
     WHERE EXISTS (SELECT 1 FROM ledger.marketo_stages WHERE position IS NOT NULL)`,
    [personKey],
  );
}

/** Forgets the people whom no comparison can bring back any more. */
export async function pruneMarketoErasures(database: Queryable): Promise<void> {
  await database.query(
    `DELETE FROM ledger.marketo_erasures WHERE done_at < now() - interval '${KEPT_DAYS_AT_MOST} days'
       OR (done_at < now() - interval '${ERASURES_KEPT_DAYS} days' AND at < (
         SELECT least(position, extracted_until, now(), (SELECT min(from_at) FROM ledger.marketo_runs WHERE ended_at IS NULL))
           - interval '${OVERLAP}' FROM ledger.marketo_stages WHERE stage = 'marketo-reconciliation'))`,
  );
}

/** People who were erased here and whose fields in Marketo are still to be cleared. */
@Injectable()
export class MarketoErasuresRepository {
  constructor(private readonly database: Database) {}

  async due(limit: number): Promise<MarketoErasure[]> {
    const { rows } = await this.database.query<{ id: string; marketo_id: string; fields: string[]; rewritten: boolean }>(
      `SELECT e.id, e.marketo_id, e.fields,
         EXISTS (SELECT 1 FROM ledger.marketo_updates u WHERE u.marketo_id = e.marketo_id AND u.sent_version > 0) AS rewritten
       FROM ledger.marketo_erasures e WHERE e.done_at IS NULL ORDER BY e.id LIMIT $1`,
      [limit],
    );
    return rows.map(({ marketo_id, ...row }) => ({ ...row, marketoId: Number(marketo_id) }));
  }

  async finish(ids: string[]): Promise<void> {
    const text = `UPDATE ledger.marketo_erasures SET done_at = now(), fields = '{}' WHERE id = ANY($1::bigint[])`;
    if (ids.length > 0) await this.database.query(text, [ids]);
  }

  async countDue(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM ledger.marketo_erasures WHERE done_at IS NULL',
    );
    return rows[0]!.count;
  }
}
