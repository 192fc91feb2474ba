import { Injectable } from '@nestjs/common';
import type { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import { Database } from '../platform/database/database.js';

/** The two tasks that call Marketo; each has its own pause and breaker. */
export const MARKETO_STAGES = ['marketo-sync', 'marketo-reconciliation'] as const;
export type MarketoStage = (typeof MARKETO_STAGES)[number];

/** A row of ledger.marketo_stages. Times in milliseconds are by the database's clock. */
export interface MarketoStageRow {
  stage: MarketoStage;
  pausedAt: Date | null;
  pausedBy: string | null;
  /** Milliseconds until the breaker lets the next call through; null where it is closed. */
  openForMs: number | null;
  openedAt: Date | null;
  failures: number;
  code: ErrorCode | null;
  message: string | null;
  position: Date | null;
  /** Days of the log before this were compared as a whole. */
  extractedUntil: Date | null;
  calls: number;
  records: number;
  quota: MarketoQuota | null;
}

/** Calls of the day that Marketo counts for all integrations of the instance. */
export interface MarketoQuota {
  used: number;
  /** When it was read; ISO 8601. */
  at: string;
}

const COLUMNS = `stage, paused_at AS "pausedAt", paused_by AS "pausedBy", opened_at AS "openedAt", failures, code, message,
  greatest(0, (extract(epoch FROM open_until - clock_timestamp()) * 1000)::float) AS "openForMs", position,
  extracted_until AS "extractedUntil",
  calls::float AS calls, records::float AS records, quota`;

/** What two failures in a row wait, doubled with each more. */
const FIRST_WAIT_MS = 1000;
const DOWN_AT_MOST_MS = 60_000;
const CONFIGURATION_AT_MOST_MS = 300_000;

/** How long a breaker stays open after `failures` openings in a row. */
export function breakerWaitMs(
  error: Pick<AppError, 'class' | 'retryAfterMs'>,
  failures: number,
  baseMs = FIRST_WAIT_MS,
  downAtMostMs = DOWN_AT_MOST_MS,
): number {
  if (error.class === 'rate-limited') return error.retryAfterMs ?? DOWN_AT_MOST_MS;
  const cap = error.class === 'configuration' ? Math.max(CONFIGURATION_AT_MOST_MS, downAtMostMs) : downAtMostMs;
  return Math.max(error.retryAfterMs ?? 0, Math.min(cap, baseMs * 2 ** Math.min(failures, 20)));
}

/** Pause, breaker, lease and call slots of the tasks that call Marketo, for all processes together. */
@Injectable()
export class MarketoStagesRepository {
  constructor(private readonly database: Database) {}

  async stages(): Promise<MarketoStageRow[]> {
    const { rows } = await this.database.query<MarketoStageRow>(`SELECT ${COLUMNS} FROM ledger.marketo_stages`);
    return rows;
  }

  /**
   * Takes or renews the lease of the task.
   * @returns its row; null where another process holds the lease.
   */
  async lease(stage: MarketoStage, worker: string, leaseMs: number): Promise<MarketoStageRow | null> {
    const { rows } = await this.database.query<MarketoStageRow>({
      name: 'marketo-lease',
      text: `UPDATE ledger.marketo_stages SET leased_by = $2, leased_until = clock_timestamp() + make_interval(secs => $3 / 1000.0)
        WHERE stage = $1 AND (leased_by = $2 OR leased_until IS NULL OR leased_until < clock_timestamp())
        RETURNING ${COLUMNS}`,
      values: [stage, worker, leaseMs],
    });
    return rows[0] ?? null;
  }

  async release(stage: MarketoStage, worker: string): Promise<void> {
    const text = 'UPDATE ledger.marketo_stages SET leased_by = NULL, leased_until = NULL WHERE stage = $1 AND leased_by = $2';
    await this.database.query(text, [stage, worker]);
  }

  /** Opens the breaker for `waitMs`. @returns whether it was closed before. */
  async open(stage: MarketoStage, error: Pick<AppError, 'code' | 'message'>, waitMs: number): Promise<boolean> {
    const { rows } = await this.database.query<{ first: boolean }>(
      `UPDATE ledger.marketo_stages SET open_until = clock_timestamp() + make_interval(secs => $4 / 1000.0),
         opened_at = coalesce(opened_at, now()), failures = failures + 1, code = $2, message = $3
       WHERE stage = $1 RETURNING failures = 1 AS first`,
      [stage, error.code, error.message, waitMs],
    );
    return rows[0]!.first;
  }

  async close(stage: MarketoStage): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_stages SET open_until = NULL, opened_at = NULL, failures = 0, code = NULL, message = NULL
       WHERE stage = $1 AND failures > 0`,
      [stage],
    );
  }

  /** Stops the task until an operator resumes it; holds across restarts, and is audited. */
  async pause(stage: MarketoStage, who: string): Promise<void> {
    await this.audited('pause', stage, who, 'paused_at = coalesce(paused_at, now()), paused_by = coalesce(paused_by, $2)');
  }

  async resume(stage: MarketoStage, who: string): Promise<void> {
    await this.audited('resume', stage, who, 'paused_at = NULL, paused_by = NULL');
  }

  /**
   * Reserves the next place for a call, `everyMs` after the one before. @returns how long to wait for it, in
   * milliseconds.
   */
  async reserve(everyMs: number): Promise<number> {
    const { rows } = await this.database.query<{ waitMs: number }>({
      name: 'marketo-reserve',
      text: `UPDATE ledger.marketo_stages
        SET next_slot_at = greatest(next_slot_at, clock_timestamp()) + make_interval(secs => $1 / 1000.0)
        WHERE stage = 'marketo-sync'
        RETURNING (extract(epoch FROM next_slot_at - clock_timestamp()) * 1000 - $1)::float AS "waitMs"`,
      values: [everyMs],
    });
    return Math.max(0, rows[0]!.waitMs);
  }

  async addCalls(stage: MarketoStage, calls: number, records: number): Promise<void> {
    const text = 'UPDATE ledger.marketo_stages SET calls = calls + $2, records = records + $3 WHERE stage = $1';
    if (calls + records > 0) await this.database.query(text, [stage, calls, records]);
  }

  async recordQuota(quota: MarketoQuota): Promise<void> {
    const text = "UPDATE ledger.marketo_stages SET quota = $1 WHERE stage = 'marketo-sync'";
    await this.database.query(text, [JSON.stringify(quota)]);
  }

  private async audited(act: string, stage: MarketoStage, who: string, set: string): Promise<void> {
    await this.database.query(
      `WITH changed AS (UPDATE ledger.marketo_stages SET ${set} WHERE stage = $1 RETURNING stage)
       SELECT ledger.record_act($2, $3, jsonb_build_object('queue', stage)) FROM changed`,
      [stage, who, act],
    );
  }
}
