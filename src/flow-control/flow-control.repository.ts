import type { ErrorCode } from '../domain/error-catalog.js';
import type { Stage } from '../domain/lead-state.js';
import type { Database } from '../platform/database/database.js';
import { addAiCosts, listAiCosts, type AiCost, type DailyAiCost } from './ai-spend.js';
import type { EvidenceSummary } from './downstream-evidence.js';
import { RATE_SHARE, STAGE_COLUMNS, type BreakerReason, type StageRow } from './stage-row.js';

/**
 * After a gap this long a worker's heartbeat counts as interrupted, by a PostgreSQL outage or a stall of the worker.
 */
const INTERRUPTED_SECONDS = 5;
/** After an interruption, the time that other workers get to send a heartbeat: it may have affected them too. */
const STEADY_SECONDS = 3;
/**
 * After this time without a heartbeat a worker's leads get new jobs. A full heap or a busy machine stalls it for less.
 */
const DEAD_SECONDS = 6;
/** The time in which one worker replaces a dead worker's jobs before another may try. */
const TAKEN_SECONDS = 5;
/** The time that a probe may take before another worker may take it over. */
const PROBE_SECONDS = 30;
/** The time from a successful probe to the full rate. */
const RECOVERY_SECONDS = 10;
/** A successful probe ends the outage, so the next outage starts again with the shortest wait between probes. */
const NEXT_TRIPS = `(CASE WHEN breaker = 'half-open' THEN trips + 1 ELSE 1 END)`;
const SLOWEST = 1 / 16;
const CHANNEL = 'flow';

export interface Opening {
  reason: BreakerReason;
  code: ErrorCode;
  message: string;
  answer: string | null;
  /** Retry-After of the downstream; the probe does not come earlier. */
  retryAfterMs: number;
  baseMs: number;
  /** The longest wait between two probes. */
  capMs: number;
}

/** What a worker knows about each stage's downstream; null where it made no call lately. */
export type WorkerEvidence = Record<Stage, EvidenceSummary | null>;

export interface LivingWorker {
  worker: string;
  evidence: WorkerEvidence;
}

/** The shared state of both stages. Each method is one SQL statement. */
export class FlowControlRepository {
  constructor(
    private readonly database: Database,
    /** The name of this process. */
    readonly worker: string,
  ) {}

  async stages(): Promise<StageRow[]> {
    const { rows } = await this.database.query<StageRow>(`SELECT ${STAGE_COLUMNS} FROM flow.stages`);
    return rows;
  }

  /**
   * Stores this worker's heartbeat and what it knows about the downstreams. A new worker's first heartbeat notifies the
   * others, which reduce their shares.
   * @returns all live workers, this one included, in the order of their names.
   */
  async beat(evidence: WorkerEvidence): Promise<LivingWorker[]> {
    const { rows } = await this.database.query<LivingWorker>({
      name: 'flow-beat',
      text: `WITH me AS (
        INSERT INTO flow.workers AS w (worker, seen_at, evidence) VALUES ($1, clock_timestamp(), $2)
        ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, evidence = excluded.evidence, taken_until = NULL,
          steady_since = CASE WHEN w.seen_at < now() - interval '${INTERRUPTED_SECONDS} seconds' THEN clock_timestamp() ELSE w.steady_since END
        RETURNING xmax = 0 AS joined
      ), told AS (
        SELECT pg_notify('${CHANNEL}', $1) FROM me WHERE joined
      )
      SELECT worker, w.evidence FROM flow.workers w JOIN flow.living_workers USING (worker) WHERE worker <> $1
      UNION ALL SELECT $1, $2::jsonb FROM (SELECT count(*) FROM told) t ORDER BY worker`,
      values: [this.worker, JSON.stringify(evidence)],
    });
    return rows;
  }

  async countLivingWorkers(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>('SELECT count(*)::int AS count FROM flow.living_workers');
    return rows[0]!.count;
  }

  /**
   * Removes this worker, so that the others need not wait for its heartbeat to expire, and workers that ended long ago.
   */
  async leave(): Promise<void> {
    await this.database.query(
      `WITH gone AS (DELETE FROM flow.workers WHERE worker = $1 OR seen_at < now() - interval '1 day' RETURNING worker)
       SELECT pg_notify('${CHANNEL}', worker) FROM gone WHERE worker = $1`,
      [this.worker],
    );
  }

  /**
   * Returns workers whose heartbeat has stopped, to one caller at a time. Returns none while this worker's own
   * heartbeat was interrupted lately: then PostgreSQL or this worker was down, not the others.
   */
  async takeDeadWorkers(): Promise<string[]> {
    const { rows } = await this.database.query<{ worker: string }>({
      name: 'flow-take-dead-workers',
      text: `UPDATE flow.workers d SET taken_until = clock_timestamp() + interval '${TAKEN_SECONDS} seconds'
        FROM flow.workers me
        WHERE me.worker = $1 AND d.worker <> $1 AND d.seen_at < clock_timestamp() - interval '${DEAD_SECONDS} seconds'
          AND coalesce(d.taken_until, '-infinity') < clock_timestamp()
          AND me.steady_since < clock_timestamp() - interval '${STEADY_SECONDS} seconds'
        RETURNING d.worker`,
      values: [this.worker],
    });
    return rows.map(({ worker }) => worker);
  }

  /** Removes workers whose leads have new jobs. A worker whose heartbeat has resumed is kept. */
  async forgetWorkers(workers: string[]): Promise<void> {
    await this.database.query('DELETE FROM flow.workers WHERE worker = ANY($1) AND taken_until IS NOT NULL', [workers]);
  }

  /** The tokens that all workers have used today (UTC). */
  async spentToday(): Promise<number> {
    const { rows } = await this.database.query<{ tokens: number }>(
      "SELECT coalesce(sum(input_tokens + output_tokens), 0)::float AS tokens FROM flow.ai_costs WHERE day = (now() AT TIME ZONE 'UTC')::date",
    );
    return rows[0]!.tokens;
  }

  /** The share of an API's daily calls that is used, as its last answer said. */
  async recordApiUsage(api: string, share: number): Promise<void> {
    await this.database.query({
      name: 'flow-record-api-usage',
      text: `INSERT INTO flow.api_usage (api, share) VALUES ($1, $2)
        ON CONFLICT (api) DO UPDATE SET share = excluded.share, at = now()`,
      values: [api, share],
    });
  }

  /** What is known of the last 24 hours: the limits that it is measured by concern that time. */
  async apiUsage(): Promise<{ api: string; share: number; at: Date }[]> {
    const { rows } = await this.database.query<{ api: string; share: number; at: Date }>(
      "SELECT api, share, at FROM flow.api_usage WHERE at > now() - interval '1 day' ORDER BY api",
    );
    return rows;
  }

  costsOf(days: number): Promise<DailyAiCost[]> {
    return listAiCosts(this.database, days);
  }

  addCosts(costs: AiCost[]): Promise<void> {
    return addAiCosts(this.database, costs);
  }

  async recordSuccess(stage: Stage, at: Date): Promise<void> {
    await this.database.query('UPDATE flow.stages SET last_success_at = greatest(last_success_at, $2) WHERE stage = $1', [
      stage,
      at,
    ]);
  }

  /**
   * closed, recovering or (by the worker that holds the probe) half-open → open. For a rate limit, the same statement
   * halves the rate in use.
   * @returns null where another worker has opened it before.
   */
  open(stage: Stage, { reason, code, message, answer, retryAfterMs, baseMs, capMs }: Opening): Promise<StageRow | null> {
    return this.change(
      `SET breaker = 'open', reason = $2, code = $3, message = $9, answer = $10, trips = ${NEXT_TRIPS}, opened_at = coalesce(opened_at, now()),
         probe_by = NULL, probe_until = NULL, recovered_at = NULL,
         slowed_to = CASE WHEN $8 THEN greatest(${SLOWEST}, (${RATE_SHARE}) / 2) ELSE slowed_to END,
         slowed_at = CASE WHEN $8 THEN now() ELSE slowed_at END,
         probe_at = clock_timestamp() + make_interval(secs => greatest($4::float, least($6::float, 2 ^ least(${NEXT_TRIPS}, 30) * $5)) / 1000)
       WHERE stage = $1 AND (breaker IN ('closed', 'recovering') OR (breaker = 'half-open' AND probe_by = $7))`,
      [stage, reason, code, retryAfterMs, baseMs, capMs, this.worker, reason === 'rate-limited', message, answer],
    );
  }

  /**
   * open → half-open, for one worker at a time. It renews the probe only after half of the probe's time, because each
   * change notifies all workers and each notification causes a read.
   * @returns null where no probe is due or another worker holds it.
   */
  takeProbe(stage: Stage): Promise<StageRow | null> {
    return this.change(
      `SET breaker = 'half-open', probe_by = $2, probe_until = clock_timestamp() + interval '${PROBE_SECONDS} seconds'
       WHERE stage = $1 AND ((breaker = 'open' AND probe_at <= clock_timestamp())
         OR (breaker = 'half-open'
           AND probe_until < clock_timestamp() + CASE WHEN probe_by = $2 THEN interval '${PROBE_SECONDS / 2} seconds' ELSE interval '0' END))`,
      [stage, this.worker],
    );
  }

  /** half-open → recovering, by the worker that holds the probe. `success`: start of the successful call, or null. */
  recover(stage: Stage, success: Date | null): Promise<StageRow | null> {
    return this.change(
      `SET breaker = 'recovering', recovered_at = clock_timestamp(), probe_by = NULL, probe_until = NULL, probe_at = NULL,
         last_success_at = greatest(last_success_at, $3)
       WHERE stage = $1 AND breaker = 'half-open' AND probe_by = $2`,
      [stage, this.worker, success],
    );
  }

  /** recovering → closed, after the recovery time. */
  close(stage: Stage): Promise<StageRow | null> {
    return this.change(
      `SET breaker = 'closed', reason = NULL, code = NULL, message = NULL, answer = NULL, opened_at = NULL, trips = 0, recovered_at = NULL
       WHERE stage = $1 AND breaker = 'recovering' AND recovered_at < clock_timestamp() - interval '${RECOVERY_SECONDS} seconds'`,
      [stage],
    );
  }

  /**
   * Reserves the next `count` calls of the stage, spaced by the rate in use.
   * @returns the wait for the first of them, and the interval between two, in milliseconds.
   */
  async reserve(stage: Stage, perSecond: number, count: number): Promise<{ inMs: number; everyMs: number }> {
    const { rows } = await this.database.query<{ inMs: number; everyMs: number }>({
      name: 'flow-reserve',
      text: `UPDATE flow.stages s
        SET next_slot_at = greatest(s.next_slot_at, clock_timestamp()) + $3::int * make_interval(secs => 1 / ($2 * (${RATE_SHARE})))
        WHERE stage = $1
        RETURNING (1000 / ($2 * (${RATE_SHARE})))::float AS "everyMs",
          (extract(epoch FROM s.next_slot_at - clock_timestamp()) * 1000 - $3::int * 1000 / ($2 * (${RATE_SHARE})))::float AS "inMs"`,
      values: [stage, perSecond, count],
    });
    return rows[0]!;
  }

  /**
   * Pauses the stage until an operator resumes it, also across restarts. The audit entry is part of the same commit.
   */
  pause(stage: Stage, who: string): Promise<StageRow | null> {
    return this.audited('pause', who, stage, `SET paused_at = coalesce(paused_at, now()), paused_by = coalesce(paused_by, $2)`);
  }

  resume(stage: Stage, who: string): Promise<StageRow | null> {
    return this.audited('resume', who, stage, 'SET paused_at = NULL, paused_by = NULL');
  }

  /**
   * Calls `onChange` as soon as any process changes a stage. It uses one connection; when that is lost, `onEnd` is
   * called.
   * @returns ends the subscription.
   */
  listen(onChange: () => void, onEnd: () => void): Promise<() => void> {
    return this.database.listen(CHANNEL, onChange, onEnd);
  }

  /** Removes workers without a heartbeat for a day, and AI costs older than `days`; undefined keeps all costs. */
  async prune(days: number | undefined): Promise<void> {
    await this.database.query("DELETE FROM flow.workers WHERE seen_at < now() - interval '1 day'");
    if (days === undefined) return;
    await this.database.query("DELETE FROM flow.ai_costs WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int", [days]);
  }

  private audited(act: string, who: string, stage: Stage, set: string): Promise<StageRow | null> {
    return this.changeAndNotify(
      `WITH changed AS (UPDATE flow.stages ${set} WHERE stage = $1 RETURNING ${STAGE_COLUMNS})`,
      [stage, who, act],
      `ledger.record_act($2, $3, jsonb_build_object('queue', $1::text))`,
    );
  }

  private change(clauses: string, values: unknown[]): Promise<StageRow | null> {
    return this.changeAndNotify(`WITH changed AS (UPDATE flow.stages ${clauses} RETURNING ${STAGE_COLUMNS})`, values);
  }

  /** Notifies the other processes with the commit. `also` is an expression that is evaluated per changed row. */
  private async changeAndNotify(changed: string, values: unknown[], also = 'NULL'): Promise<StageRow | null> {
    const { rows } = await this.database.query<StageRow>(
      `${changed}, told AS (SELECT pg_notify('${CHANNEL}', stage), ${also} FROM changed) SELECT changed.* FROM changed, told`,
      values,
    );
    return rows[0] ?? null;
  }
}
