import { Injectable } from '@nestjs/common';
import type { Enrichment } from '../domain/enrichment.js';
import { groupOfPlace, jobIdsOf, type LeadReference } from '../domain/lead-jobs.js';
import type { CrmSynced, LeadError } from '../domain/lead.js';
import type { Stage } from '../domain/lead-state.js';
import { Database } from '../platform/database/database.js';
import { columns, jsonColumn, uuidColumn } from '../platform/database/unnest-columns.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { assertFence, type Fence, type Run } from './claims.repository.js';
import { lockInIdOrder, RESET_CLAIM, TOUCH_AND_NUMBER_EVENT, writeEvents } from './lead-update-sql.js';
import { stageStatement } from './statement-batcher.js';

/** The detail of a score event, for a row with the columns revision and enrichment. */
export const SCORE_DETAIL = `'revision', revision, 'fitScore', enrichment->'fitScore', 'intent', enrichment->'intent',
    'scoreSource', enrichment->'scoreSource', 'provider', enrichment->'provider',
    'scorerVersion', enrichment->'scorerVersion', 'flags', enrichment->'flags'`;

const CHECKPOINT = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'enriched', enrichment = i.enrichment::jsonb, scorings = l.scorings + 1, enriched_at = clock_timestamp(),
      job_id = i.job_id, ${RESET_CLAIM}, next_attempt_at = NULL, last_error = NULL, ${TOUCH_AND_NUMBER_EVENT}
  FROM ${lockInIdOrder('$1::uuid[], $2::bigint[], $3::text[], $4::uuid[]', 'id, fence, enrichment, job_id')} i
  WHERE l.id = i.id AND l.fence = i.fence AND l.state = 'received'
  RETURNING l.id, l.epoch, l.event_seq, l.enrichment, l.revision, l.claimed_at
), audited AS (${writeEvents(`'enriched'`, `jsonb_build_object(${SCORE_DETAIL}, 'startedAt', claimed_at)`)})
SELECT id, epoch FROM done`;

const MARK_SYNCED = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'synced', crm = i.crm - 'exchanges', synced_at = clock_timestamp(),
      -- Of a lead that has never been in the CRM; a row that an older version wrote is recognised by its reference.
      first_synced_at = CASE WHEN l.crm IS NULL THEN clock_timestamp() ELSE l.first_synced_at END,
      first_enriched_at = CASE WHEN l.crm IS NULL THEN l.enriched_at ELSE l.first_enriched_at END,
      ${RESET_CLAIM}, next_attempt_at = NULL, last_error = NULL, replaced = NULL, low_priority = false, ${TOUCH_AND_NUMBER_EVENT}
  FROM (SELECT id, fence, crm::jsonb FROM ${lockInIdOrder('$1::uuid[], $2::bigint[], $3::text[]', 'id, fence, crm')} i) i
  WHERE l.id = i.id AND l.fence = i.fence AND l.state = 'enriched'
  RETURNING l.id, l.event_seq, i.crm, l.revision, l.claimed_at
), audited AS (${writeEvents(`'synced'`, `crm || jsonb_build_object('revision', revision, 'startedAt', claimed_at)`)})
SELECT id FROM done`;

/**
 * The only place that counts an attempt, for failures of the lead itself. BullMQ's own count is not used. A lead that
 * comes back in another job gets that job's id and a new epoch, so that its job of now is outdated for it.
 */
const RECORD_FAILURE = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = CASE WHEN i.next_attempt_at IS NULL THEN 'dead' ELSE l.state END,
      enrichment_attempts = l.enrichment_attempts + (i.error->>'stage' = 'enrichment' AND NOT i.error ? 'shared')::int,
      crm_sync_attempts = l.crm_sync_attempts + (i.error->>'stage' = 'crm-sync' AND NOT i.error ? 'shared')::int,
      last_error = i.error - 'sent', next_attempt_at = i.next_attempt_at,
      died_at = CASE WHEN i.next_attempt_at IS NULL THEN clock_timestamp() END,
      job_id = coalesce(i.job_id, l.job_id), epoch = l.epoch + (i.job_id IS NOT NULL)::int,
      ${RESET_CLAIM}, ${TOUCH_AND_NUMBER_EVENT}
  FROM (
    SELECT id, fence, error::jsonb, next_attempt_at, job_id
    FROM ${lockInIdOrder(
      '$1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::uuid[]',
      'id, fence, error, next_attempt_at, job_id',
    )} i
  ) i
  WHERE l.id = i.id AND l.fence = i.fence AND l.state IN ('received', 'enriched')
  RETURNING l.id, l.epoch, l.event_seq, l.revision, i.error, i.next_attempt_at,
    CASE WHEN i.error->>'stage' = 'enrichment' THEN l.enrichment_attempts ELSE l.crm_sync_attempts END AS attempt
), audited AS (${writeEvents(
  `CASE WHEN next_attempt_at IS NULL THEN 'dead-lettered' ELSE 'attempt-failed' END`,
  `error || jsonb_build_object('attempt', attempt, 'revision', revision, 'nextAttemptAt', next_attempt_at)`,
)})
SELECT id, epoch FROM done`;

/** Failures that an opening breaker attributes to the downstream instead of the leads. */
export interface AttemptRefund {
  stage: Stage;
  /** The stage's last success: only later failures count. Null: it never succeeded. */
  since: Date | null;
  /** Failures with this signature, dead letters included; null: failures of class dependency-down. */
  signature: string | null;
}

/** Leads that failed after `since` and are or may be tried again; $1 stage, $2 since, $3 signature. */
const FAILED_SINCE = `l.last_error->>'stage' = $1
  AND (l.last_error->>'at')::timestamptz >= coalesce($2::timestamptz, '-infinity')
  AND (l.next_attempt_at IS NOT NULL
    OR ($3::text IS NOT NULL AND l.state = 'dead' AND l.died_at >= coalesce($2::timestamptz, '-infinity')))`;
const TO_REFUND = `SELECT l.id FROM ledger.leads l WHERE ${FAILED_SINCE} ORDER BY l.id`;

/** Leads per transaction of a refund, so that other statements wait only briefly for its locks. */
const REFUND_BATCH = 1000;
const LOCK = 'SELECT FROM ledger.leads WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE';

/** Subtracts attempts that were refunded before. Correct only while the leads are locked; $4 are their ids. */
const REFUND_ATTEMPTS = `
WITH returned AS (
  SELECT l.id, sum(CASE WHEN e.kind = 'attempts-returned' THEN -(e.detail->>'attempts')::int ELSE 1 END)::int AS attempts
  FROM ledger.leads l
  JOIN ledger.events e ON e.lead_id = l.id AND e.at >= coalesce($2::timestamptz, '-infinity')
    AND e.detail->>'stage' = $1 AND (e.detail->>'revision')::int = l.revision
    AND CASE
      WHEN e.kind = 'attempts-returned' THEN e.detail->>'signature' IS NOT DISTINCT FROM $3
      WHEN e.kind NOT IN ('attempt-failed', 'dead-lettered') OR e.detail ? 'shared' THEN false
      WHEN $3::text IS NULL THEN e.detail->>'class' = 'dependency-down'
      ELSE e.detail->>'signature' = $3
    END
  WHERE l.id = ANY($4::uuid[]) AND ${FAILED_SINCE}
  GROUP BY l.id HAVING sum(CASE WHEN e.kind = 'attempts-returned' THEN -(e.detail->>'attempts')::int ELSE 1 END) > 0
), done AS (
  UPDATE ledger.leads l
  SET enrichment_attempts = greatest(0, l.enrichment_attempts - r.attempts * ($1 = 'enrichment')::int),
      crm_sync_attempts = greatest(0, l.crm_sync_attempts - r.attempts * ($1 = 'crm-sync')::int),
      epoch = l.epoch + (l.state = 'dead')::int, job_id = CASE WHEN l.state <> 'dead' THEN l.job_id END,
      state = CASE WHEN l.state <> 'dead' THEN l.state WHEN $1 = 'enrichment' THEN 'received' ELSE 'enriched' END,
      died_at = NULL, next_attempt_at = coalesce(l.next_attempt_at, now() + interval '30 seconds'),
      ${TOUCH_AND_NUMBER_EVENT}
  FROM returned r WHERE l.id = r.id AND l.state IN ('received', 'enriched', 'dead')
  RETURNING l.id, l.event_seq, l.revision, r.attempts
), audited AS (${writeEvents(
  `'attempts-returned'`,
  `jsonb_build_object('stage', $1::text, 'attempts', attempts, 'revision', revision, 'signature', $3::text)`,
)})
SELECT id FROM done`;

/** The job of a later run or of the next stage, which the statement has stored in the lead's row. */
export type NextJob = LeadReference & { jobId: string };

interface Checkpoint {
  claim: Run;
  enrichment: Enrichment;
}

interface RecordedFailure {
  claim: Run;
  error: LeadError;
  nextAttemptAt: Date | null;
  /** The lead leaves its job, and a later one brings it forward. */
  leaves: boolean;
}

/** Stores the results of the stages. Concurrent results share a statement. */
@Injectable()
export class StageResultsRepository {
  constructor(private readonly database: Database) {}

  private readonly checkpointing = stageStatement(
    (checkpoints: Checkpoint[]) => this.writeCheckpoints(checkpoints),
    ({ claim }) => claim.id,
  );
  private readonly marking = stageStatement(
    (leads: (Fence & { crm: CrmSynced })[]) => this.writeSynced(leads),
    ({ id }) => id,
  );
  private readonly recording = stageStatement(
    (failures: RecordedFailure[]) => this.writeFailures(failures),
    ({ claim }) => claim.id,
  );

  /**
   * received → enriched. From now on the lead needs no further AI call. @returns the job for the next stage.
   * @throws AppError STALE_RUN where a newer run has claimed the lead; nothing was written.
   */
  async checkpoint(claim: Run, enrichment: Enrichment): Promise<NextJob> {
    const job = await ioBoundary('ledger.checkpoint', claim.id, () => this.checkpointing.submit({ claim, enrichment }));
    assertFence(job !== null);
    return job!;
  }

  /** enriched → synced. @throws AppError STALE_RUN where a newer run has claimed the lead; nothing was written. */
  async markSynced({ id, fence }: Fence, crm: CrmSynced): Promise<void> {
    assertFence(await ioBoundary('ledger.mark-synced', id, () => this.marking.submit({ id, fence, crm })));
  }

  /**
   * Counts the failed attempt; `nextAttemptAt` null makes the lead a dead letter. The lead stays in its job.
   * @throws AppError STALE_RUN
   */
  async recordFailure(claim: Run, error: LeadError, nextAttemptAt: Date | null): Promise<void> {
    await this.record({ claim, error, nextAttemptAt, leaves: false });
  }

  /**
   * As `recordFailure`, but the lead leaves its job.
   * @returns the job of the next attempt. @throws AppError STALE_RUN
   */
  recordRetry(claim: Run, error: LeadError, nextAttemptAt: Date): Promise<NextJob> {
    return this.record({ claim, error, nextAttemptAt, leaves: true });
  }

  private async record(failure: RecordedFailure): Promise<NextJob> {
    const job = await ioBoundary('ledger.record-failure', failure.claim.id, () => this.recording.submit(failure));
    assertFence(job !== null);
    return job!;
  }

  /**
   * Refunds the attempts that an outage or a wrong setting of the downstream has cost. Dead letters with the same
   * signature are returned to their stage, and the sweeper enqueues them. No attempt is refunded twice.
   * @returns the number of leads.
   */
  async refundAttempts({ stage, since, signature }: AttemptRefund): Promise<number> {
    const { rows } = await this.database.query<{ id: string }>(TO_REFUND, [stage, since, signature]);
    let count = 0;
    for (let from = 0; from < rows.length; from += REFUND_BATCH) {
      const ids = rows.slice(from, from + REFUND_BATCH).map(({ id }) => id);
      count += await this.database.transaction(async (transaction) => {
        // Every worker refunds when a breaker opens. The second one waits here, and its next statement sees the first
        // refund.
        await transaction.query(LOCK, [ids]);
        return (await transaction.query(REFUND_ATTEMPTS, [stage, since, signature, ids])).rowCount ?? 0;
      });
    }
    return count;
  }

  /** Distinct leads that became dead letters in the stage with this signature since it last succeeded. */
  async countDeadWith({ stage, since, signature }: AttemptRefund): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ledger.leads
       WHERE state = 'dead' AND died_at >= coalesce($2::timestamptz, '-infinity') AND died_at > now() - interval '1 hour'
         AND last_error->>'stage' = $1 AND last_error->>'signature' = $3`,
      [stage, since, signature],
    );
    return rows[0]!.count;
  }

  /** Null where the fence has been raised since. */
  private async writeCheckpoints(checkpoints: Checkpoint[]): Promise<(NextJob | null)[]> {
    const claims = checkpoints.map(({ claim }) => claim);
    const jobIds = jobIdsOf(claims, ({ contentAt, lowPriority }) =>
      groupOfPlace({ contentAt, lowPriority, nextAttemptAt: null }),
    );
    const { rows } = await this.database.query<EpochRow>({
      name: 'checkpoint-enrichment',
      text: CHECKPOINT,
      values: [...columns(claims, ['id', 'fence']), jsonColumn(checkpoints, ({ enrichment }) => enrichment), uuidColumn(jobIds)],
    });
    return nextJobs(claims, rows, jobIds);
  }

  /** Null where the fence has been raised since. */
  private async writeFailures(failures: RecordedFailure[]): Promise<(NextJob | null)[]> {
    const claims = failures.map(({ claim }) => claim);
    const jobIds = jobIdsOf(
      failures,
      ({ claim: { contentAt, lowPriority }, error, nextAttemptAt }) =>
        `${error.stage}|${groupOfPlace({ contentAt, lowPriority, nextAttemptAt })}`,
    );
    const { rows } = await this.database.query<EpochRow>({
      name: 'record-failures',
      text: RECORD_FAILURE,
      values: [
        ...columns(claims, ['id', 'fence']),
        jsonColumn(failures, ({ error }) => error),
        failures.map(({ nextAttemptAt }) => nextAttemptAt),
        uuidColumn(failures.map(({ leaves }, index) => (leaves ? jobIds[index]! : null))),
      ],
    });
    return nextJobs(claims, rows, jobIds);
  }

  /** False where the fence has been raised since. */
  private async writeSynced(leads: (Fence & { crm: CrmSynced })[]): Promise<boolean[]> {
    const { rows } = await this.database.query<{ id: string }>({
      name: 'mark-synced',
      text: MARK_SYNCED,
      values: [...columns(leads, ['id', 'fence']), jsonColumn(leads, ({ crm }) => crm)],
    });
    const written = new Set(rows.map((row) => row.id));
    return leads.map(({ id }) => written.has(id));
  }
}

interface EpochRow {
  id: string;
  epoch: number;
}

/** Null for each claim that the statement did not match. */
function nextJobs(claims: Run[], rows: EpochRow[], jobIds: string[]): (NextJob | null)[] {
  const epochs = new Map(rows.map(({ id, epoch }) => [id, epoch]));
  return claims.map(({ id }, index) => {
    const epoch = epochs.get(id);
    return epoch === undefined ? null : { leadId: id, epoch, jobId: jobIds[index]! };
  });
}
