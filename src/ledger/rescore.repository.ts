import { Injectable } from '@nestjs/common';
import type { Enrichment } from '../domain/enrichment.js';
import type { CrmSynced, LeadContent, LeadError } from '../domain/lead.js';
import { Database, type Statement } from '../platform/database/database.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { assertFence, type Fence } from './claims.repository.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-content-sql.js';
import { NUMBER_EVENT, RAISE_FENCE, TOUCH_AND_NUMBER_EVENT, writeEvents } from './lead-update-sql.js';
import { SCORE_DETAIL } from './stage-results.repository.js';

/** A synced lead that a run has claimed to score it again. Its state does not change. */
export interface LeadClaimedForRescore extends LeadContent {
  fence: string;
  /** Includes this one. */
  attempts: number;
  /** The fallback score. */
  enrichment: Enrichment;
  /** The lead has its new score, but the CRM has not. */
  crmOwed: boolean;
  receivedAt: Date;
}

/** The attempt is counted at its start, so that an attempt whose worker crashes counts too. */
const CLAIM = `
UPDATE ledger.leads l
SET ${RAISE_FENCE}, rescore_attempts = l.rescore_attempts + 1,
  rescore_at = now() + make_interval(secs => $2 / 1000.0)
FROM (
  SELECT id FROM ledger.leads
  WHERE state = 'synced' AND (crm_owed OR (enrichment->'needsRescore')::boolean) AND rescore_at <= now()
  ORDER BY rescore_at LIMIT $1
  FOR UPDATE SKIP LOCKED
) due
WHERE l.id = due.id
RETURNING ${CONTENT_COLUMNS('l')}, l.fence, l.rescore_attempts AS attempts, l.enrichment, l.crm_owed, l.received_at`;

interface Row extends ContentRow {
  fence: string;
  attempts: number;
  enrichment: Enrichment;
  crm_owed: boolean;
  received_at: Date;
}

/** A compare-and-set on the fence, which every change of the lead raises. */
const CHECKPOINT = `
WITH done AS (
  UPDATE ledger.leads l
  SET enrichment = $3::jsonb, scorings = l.scorings + 1, crm_owed = true, rescore_attempts = 1, ${TOUCH_AND_NUMBER_EVENT}
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision, l.enrichment
), audited AS (${writeEvents(`'rescored'`, `jsonb_build_object(${SCORE_DETAIL}, 'instead', $4::jsonb)`)})
SELECT id FROM done`;

/** `synced_at` stays: it is the time at which sales received the lead. */
const MARK_CRM_UPDATED = `
WITH done AS (
  UPDATE ledger.leads l
  SET crm_owed = false, crm = coalesce($3::jsonb - 'exchanges', l.crm), rescore_attempts = 0, rescore_at = '-infinity',
      ${TOUCH_AND_NUMBER_EVENT}
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision
), audited AS (${writeEvents(
  `'crm-updated'`,
  `coalesce($3::jsonb, '{"unneeded": "the person has newer content, which the CRM shows"}') || jsonb_build_object('revision', revision)`,
)})
SELECT id FROM done`;

/** Also after the service stopped trying. A score that the CRM does not have yet is written first. */
const REQUEST = `
WITH done AS (
  UPDATE ledger.leads l
  SET enrichment = jsonb_set(l.enrichment, '{needsRescore}', 'true'), rescore_attempts = 0, rescore_at = '-infinity',
      ${TOUCH_AND_NUMBER_EVENT}
  WHERE l.id = $1 AND l.state = 'synced' AND l.enrichment IS NOT NULL
  RETURNING l.id, l.event_seq, l.revision
), audited AS (${writeEvents(`'rescore-requested'`, `jsonb_build_object('by', $2::text, 'revision', revision)`)})
SELECT id FROM done`;

const RETURN = `
UPDATE ledger.leads SET rescore_attempts = greatest(0, rescore_attempts - 1), rescore_at = $3
WHERE id = $1 AND fence = $2 AND state = 'synced'`;

const RECORD_FAILURE = `
WITH done AS (
  UPDATE ledger.leads l SET rescore_at = coalesce($4::timestamptz, 'infinity'), ${NUMBER_EVENT}
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision, l.rescore_attempts
), audited AS (${writeEvents(
  `CASE WHEN $4::timestamptz IS NULL THEN 'rescore-given-up' ELSE 'rescore-failed' END`,
  `$3::jsonb || jsonb_build_object('attempt', rescore_attempts, 'revision', revision, 'nextAttemptAt', $4::timestamptz)`,
)})
SELECT id FROM done`;

/** Synced leads with a fallback score, or with a better score that the CRM does not have yet. */
@Injectable()
export class RescoreRepository {
  constructor(private readonly database: Database) {}

  /** Asks for a new score of a synced lead. False where the lead is not synced; nothing was changed then. */
  async requestRescore(id: string, by: string): Promise<boolean> {
    return (await this.database.query(REQUEST, [id, by])).rowCount === 1;
  }

  /** Claims up to `limit` due leads. If the worker crashes, they are due again after `leaseMs`. */
  async claimForRescore(limit: number, leaseMs: number): Promise<LeadClaimedForRescore[]> {
    const { rows } = await this.database.query<Row>({ name: 'claim-for-rescore', text: CLAIM, values: [limit, leaseMs] });
    return rows.map((row) => ({
      ...contentOf(row),
      fence: row.fence,
      attempts: row.attempts,
      enrichment: row.enrichment,
      crmOwed: row.crm_owed,
      receivedAt: row.received_at,
    }));
  }

  /** synced → synced, with the better score. @throws AppError STALE_RUN where the lead has changed since the claim. */
  async checkpointRescore(claim: LeadClaimedForRescore, enrichment: Enrichment): Promise<void> {
    const { fitScore, scoreSource } = claim.enrichment;
    const values = [claim.id, claim.fence, JSON.stringify(enrichment), JSON.stringify({ fitScore, scoreSource })];
    await this.write('ledger.checkpoint-rescore', claim.id, { name: 'checkpoint-rescore', text: CHECKPOINT, values });
  }

  /**
   * Records that the CRM has the new score. `crm` is null where the CRM shows newer content of the person.
   * @throws AppError STALE_RUN
   */
  async markCrmUpdated({ id, fence }: Fence, crm: CrmSynced | null): Promise<void> {
    const values = [id, fence, crm && JSON.stringify(crm)];
    await this.write('ledger.mark-crm-updated', id, { name: 'mark-crm-updated', text: MARK_CRM_UPDATED, values });
  }

  /** Returns a lead without an attempt; it is due again at `dueAt`. */
  async returnRescore({ id, fence }: Fence, dueAt: Date): Promise<void> {
    await this.database.query(RETURN, [id, fence, dueAt]);
  }

  /** Records a failed attempt; the next one is at `dueAt`. Null: the fallback score stays for good. */
  async recordRescoreFailure({ id, fence }: Fence, error: LeadError, dueAt: Date | null): Promise<void> {
    await this.database.query(RECORD_FAILURE, [id, fence, JSON.stringify(error), dueAt]);
  }

  private async write(step: string, id: string, statement: Statement): Promise<void> {
    const { rowCount } = await ioBoundary(step, id, () => this.database.query(statement));
    assertFence(rowCount === 1);
  }
}
