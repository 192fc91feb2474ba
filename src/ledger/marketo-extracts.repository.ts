import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { breakerWaitMs } from './marketo-stages.repository.js';
import type { WebhookCall } from './marketo-calls.repository.js';
import { RUN_COLUMNS, type ReconciliationMode, type ReconciliationRun } from './marketo-runs.repository.js';
import type { AppError } from '../domain/app-error.js';

/** A job that fails again and again takes a place of the queue that all integrations share. */
const WAIT_AT_MOST_MS = 15 * 60_000;

/** Each run is a day in UTC, or what is left of one. The first of all is the day before. */
const BEGIN = `
INSERT INTO ledger.marketo_runs (mode, source, from_at, to_at)
SELECT $1, 'extract', from_at, least(from_at + interval '1 day', midnight) FROM (
  SELECT coalesce(extracted_until, midnight - interval '1 day') AS from_at, midnight FROM ledger.marketo_stages,
    (SELECT date_trunc('day', now() - make_interval(secs => $2 / 1000.0), 'UTC') AS midnight) d
  WHERE stage = 'marketo-reconciliation'
) w
WHERE from_at < midnight
  AND NOT EXISTS (SELECT 1 FROM ledger.marketo_runs WHERE ended_at IS NULL AND source = 'extract')
RETURNING ${RUN_COLUMNS}`;

const STAGE = `
INSERT INTO ledger.marketo_extracted (run_id, guid, marketo_id, campaign_id, at, failed)
SELECT $1, guid, "marketoId", "campaignId", at, failed
FROM jsonb_to_recordset($2::jsonb) AS i (guid text, "marketoId" bigint, "campaignId" bigint, at timestamptz, failed boolean)`;

const ACCEPT = `
WITH staged AS (
  DELETE FROM ledger.marketo_extracted WHERE run_id = $1 RETURNING guid, marketo_id, campaign_id, at, failed
), stored AS (
  INSERT INTO ledger.marketo_calls (guid, marketo_id, campaign_id, at, failed) SELECT * FROM staged
  ON CONFLICT (guid) DO NOTHING
)
UPDATE ledger.marketo_runs SET read_all = true, activities = (SELECT count(*) FROM staged), failures = 0, code = NULL,
  message = NULL WHERE id = $1`;

/** Days of the log that are read as one file: the job of each, and the calls of a file that is not checked yet. */
@Injectable()
export class MarketoExtractsRepository {
  constructor(private readonly database: Database) {}

  /** The day that is being read, or the next one where it is over; null where there is none. */
  async current(mode: ReconciliationMode, delayMs: number): Promise<ReconciliationRun | null> {
    const open = `SELECT ${RUN_COLUMNS} FROM ledger.marketo_runs WHERE ended_at IS NULL AND source = 'extract' ORDER BY marketo_runs.id LIMIT 1`;
    const { rows } = await this.database.query<ReconciliationRun>(open);
    if (rows[0]) return rows[0];
    return (await this.database.query<ReconciliationRun>(BEGIN, [mode, delayMs])).rows[0] ?? null;
  }

  /** Marketo has made the job. */
  async begin(run: string, exportId: string): Promise<void> {
    await this.database.query('UPDATE ledger.marketo_runs SET export_id = $2 WHERE id = $1', [run, exportId]);
  }

  /** The job is of no more use. */
  async drop(run: string): Promise<void> {
    await this.database.query('UPDATE ledger.marketo_runs SET export_id = NULL WHERE id = $1', [run]);
  }

  /**
   * Nothing is called for the run before so many milliseconds have passed. Its failures stay: a job that was made may
   * still fail as the one before it did.
   */
  async lookAfter(run: string, ms: number): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_runs SET next_at = clock_timestamp() + make_interval(secs => $2 / 1000.0), code = NULL,
         message = NULL WHERE id = $1`,
      [run, ms],
    );
  }

  /** The run stays open, so its day is not passed over. It waits longer with each failure. */
  async fail({ id, failures }: Pick<ReconciliationRun, 'id' | 'failures'>, error: AppError, baseMs: number): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_runs SET code = $2, message = $3, failures = failures + 1,
         next_at = clock_timestamp() + make_interval(secs => $4 / 1000.0) WHERE id = $1`,
      [id, error.code, error.message, breakerWaitMs(error, failures, baseMs, WAIT_AT_MOST_MS)],
    );
  }

  /** Calls of the file that were staged before: an attempt that ended. */
  async clear(run: string): Promise<void> {
    await this.database.query('DELETE FROM ledger.marketo_extracted WHERE run_id = $1', [run]);
  }

  async stage(run: string, calls: WebhookCall[]): Promise<void> {
    if (calls.length > 0) await this.database.query(STAGE, [run, JSON.stringify(calls)]);
  }

  /** The file is whole: its calls are those of the log. */
  async accept(run: string): Promise<void> {
    await this.database.query(ACCEPT, [run]);
  }
}
