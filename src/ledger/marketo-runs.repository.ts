import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../domain/error-catalog.js';
import { Database } from '../platform/database/database.js';

export type ReconciliationMode = 'report' | 'repair';

/**
 * Activities appear in Marketo's log some minutes late: each window begins so long before the end of the one before.
 */
export const OVERLAP_MINUTES = 30;
const KEPT_RUNS = 1000;

/** A comparison of one window. Times are those of the window, [fromAt, toAt). */
export interface ReconciliationRun {
  id: string;
  requestedBy: string | null;
  mode: ReconciliationMode;
  fromAt: Date;
  toAt: Date;
  startedAt: Date;
  endedAt: Date | null;
  token: string | null;
  readAll: boolean;
  activities: number;
  calls: number;
  counts: Record<string, number>;
  webhooks: string[];
  code: ErrorCode | null;
  message: string | null;
  /** How the log is read: page by page, or as the file of a day. */
  source: 'log' | 'extract';
  /** Marketo's job that makes the file. */
  exportId: string | null;
  /** Of an extract, until its file is whole. */
  failures: number;
  /** Whether Marketo may be called for it. */
  isDue: boolean;
}

/** An ORDER BY names the table: `id` alone would be this text, where 9 comes after 10. */
export const RUN_COLUMNS = `id::text, requested_by AS "requestedBy", mode, from_at AS "fromAt", to_at AS "toAt", started_at AS "startedAt",
  ended_at AS "endedAt", token, read_all AS "readAll", activities, calls, counts, webhooks, code, message,
  source, export_id AS "exportId", failures, next_at IS NULL OR next_at <= clock_timestamp() AS "isDue"`;

/** A time as the API writes it. */
const ISO = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Windows of the reconciliation: which are open, how far each is, and what came of it. */
@Injectable()
export class MarketoRunsRepository {
  constructor(private readonly database: Database) {}

  /** The oldest open run that reads pages: an operator's, or a window that a process did not finish. */
  async openRun(): Promise<ReconciliationRun | null> {
    return this.one(
      `SELECT ${RUN_COLUMNS} FROM ledger.marketo_runs WHERE ended_at IS NULL AND source = 'log' ORDER BY marketo_runs.id LIMIT 1`,
      [],
    );
  }

  /** Begins the next window of the schedule where it is due. The first one of all looks back by the overlap. */
  async beginScheduled(mode: ReconciliationMode, everyMs: number): Promise<ReconciliationRun | null> {
    return this.one(
      `INSERT INTO ledger.marketo_runs (mode, from_at, to_at)
       SELECT $1, coalesce(position, now()) - interval '${OVERLAP_MINUTES} minutes', now() FROM ledger.marketo_stages
       WHERE stage = 'marketo-reconciliation' AND (position IS NULL OR position <= now() - make_interval(secs => $2 / 1000.0))
       RETURNING ${RUN_COLUMNS}`,
      [mode, everyMs],
    );
  }

  /** A run that an operator asked for; a worker executes it. */
  async request(who: string, mode: ReconciliationMode, since: Date | null): Promise<ReconciliationRun> {
    const run = await this.one(
      `WITH run AS (
         INSERT INTO ledger.marketo_runs (requested_by, mode, from_at, to_at)
         SELECT $1, $2, coalesce($3::timestamptz, position - interval '${OVERLAP_MINUTES} minutes', now() - interval '1 day'), now()
         FROM ledger.marketo_stages WHERE stage = 'marketo-reconciliation'
         RETURNING *
       ), audited AS (
         SELECT ledger.record_act($1, 'marketo-reconcile', jsonb_build_object('mode', $2::text, 'since', ${ISO('from_at')})) FROM run
       )
       SELECT ${RUN_COLUMNS} FROM run, audited`,
      [who, mode, since],
    );
    return run!;
  }

  async find(id: string): Promise<ReconciliationRun | null> {
    return this.one(`SELECT ${RUN_COLUMNS} FROM ledger.marketo_runs WHERE id = $1`, [id]);
  }

  async newest(limit: number): Promise<ReconciliationRun[]> {
    const text = `SELECT ${RUN_COLUMNS} FROM ledger.marketo_runs ORDER BY marketo_runs.id DESC LIMIT $1`;
    return (await this.database.query<ReconciliationRun>(text, [limit])).rows;
  }

  /** A page was read and its activities are stored: another process would continue after it. */
  async advance(id: string, token: string | null, readAll: boolean, activities: number, webhooks: string[]): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_runs SET token = $2, read_all = $3, activities = activities + $4, webhooks = $5, code = NULL, message = NULL
       WHERE id = $1`,
      [id, token, readAll, activities, JSON.stringify(webhooks)],
    );
  }

  /**
   * The run stays open: its window is not passed over. `restart`: the paging token is of no more use, and what is not
   * read to its end is read from its begin.
   */
  async fail(id: string, code: string, message: string, restart: boolean): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_runs SET code = $2, message = $3, token = CASE WHEN $4 THEN NULL ELSE token END,
         activities = CASE WHEN $4 AND NOT read_all THEN 0 ELSE activities END WHERE id = $1`,
      [id, code, message, restart],
    );
  }

  async addCalls(id: string, calls: number): Promise<void> {
    if (calls > 0) await this.database.query('UPDATE ledger.marketo_runs SET calls = calls + $2 WHERE id = $1', [id, calls]);
  }

  /** Ends the run; the watermark moves to the end of a window of the schedule, and never back. */
  async finish(run: ReconciliationRun, counts: Record<string, number>, repaired: number): Promise<void> {
    await this.database.query(
      `WITH run AS (
         UPDATE ledger.marketo_runs SET ended_at = now(), counts = $2, code = NULL, message = NULL WHERE id = $1
         RETURNING requested_by, to_at, from_at, source
       ), moved AS (
         UPDATE ledger.marketo_stages s SET
           position = CASE run.source WHEN 'log' THEN greatest(s.position, run.to_at) ELSE s.position END,
           extracted_until = CASE run.source WHEN 'extract' THEN greatest(s.extracted_until, run.to_at) ELSE s.extracted_until END
         FROM run
         WHERE s.stage = 'marketo-reconciliation' AND run.requested_by IS NULL
       )
       SELECT ledger.record_act(coalesce(requested_by, 'reconciliation'), 'marketo-repair',
         jsonb_build_object('from', ${ISO('from_at')}, 'to', ${ISO('to_at')}, 'repaired', $3::int)) FROM run WHERE $3::int > 0`,
      [run.id, JSON.stringify(counts), repaired],
    );
  }

  async prune(): Promise<void> {
    await this.database.query(
      `DELETE FROM ledger.marketo_runs WHERE ended_at IS NOT NULL AND id < (SELECT max(id) FROM ledger.marketo_runs) - ${KEPT_RUNS}`,
    );
  }

  private async one(text: string, values: unknown[]): Promise<ReconciliationRun | null> {
    return (await this.database.query<ReconciliationRun>(text, values)).rows[0] ?? null;
  }
}
