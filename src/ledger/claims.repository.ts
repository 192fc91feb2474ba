import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { LeadContent } from '../domain/lead.js';
import type { OpenState } from '../domain/lead-state.js';
import { Database } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { WORKER_NAME } from '../platform/worker-id.js';
import { PROJECTION, projectionOf, type Projection, type ProjectionRow } from './lead-content-sql.js';
import { END_CLAIM, lockInIdOrder, RAISE_FENCE } from './lead-update-sql.js';
import { stageStatement } from './statement-batcher.js';

/** The lead and the epoch that a job names. */
export interface ClaimRequest {
  leadId: string;
  epoch: number;
  /**
   * The run waits after the claim, and `markExecuting` says when it begins. Equal for all claims of a stage and
   * process.
   */
  waits?: boolean;
}

/** The right of a run to write a lead, until another claim or a revision raises the fence. */
export type Fence = Pick<Claim, 'id' | 'fence'>;

/** What a run needs to write its lead and to give it a job. */
export type Run = Pick<Claim, 'id' | 'fence' | 'contentAt' | 'lowPriority'>;

/** A lead as a run has claimed it. */
export interface Claim extends Pick<LeadContent, 'id' | 'personKey' | 'campaignId' | 'revision'> {
  epoch: number;
  fence: string;
  /** Failures so far of this revision in this stage. */
  attempts: number;
  /** When this revision failed last; null where it has not. */
  lastFailureAt: Date | null;
  /** When the first scoring of this revision began. */
  firstScoringAt: Date | null;
  /** Workers that crashed while they ran this lead, alone or together with others. */
  suspectedCrashes: number;
  /** Workers that crashed while they ran this lead exclusively. */
  confirmedCrashes: number;
  /** A replay or a re-score, which runs after fresh leads. */
  lowPriority: boolean;
  receivedAt: Date;
  contentAt: Date;
  claimedAt: Date;
  /** Trace context of the webhook that sent the content; null without tracing. */
  traceparent: string | null;
  /** The lead has never been in the CRM, so its speed to lead is measured. */
  firstSync: boolean;
}

/** A claim with the content, for the scorer. */
export interface ClaimedLead extends Claim, LeadContent {}

export interface LeadClaimedForSync extends Claim {
  /** The fields of the CRM's Lead: the person's newest scored content, from this row or another. */
  projection: Projection;
}

/** The lead is claimed by another worker whose heartbeat has stopped: that worker crashed. */
const ORPHANED = `(l.claimed_by IS NOT NULL AND l.claimed_by <> $3 AND l.executing
    AND NOT EXISTS (SELECT 1 FROM flow.living_workers w WHERE w.worker = l.claimed_by))::int`;

/** Aliased to the field names, so that a row is a claim. */
const CLAIM_COLUMNS = (attempts: string) => `
  l.id, encode(l.person_key, 'hex') AS "personKey", l.campaign_id AS "campaignId", l.revision, l.epoch, l.fence,
  l.${attempts} AS attempts,
  l.received_at AS "receivedAt", l.content_at AS "contentAt", l.claimed_at AS "claimedAt", l.crm IS NULL AS "firstSync",
  (l.last_error->>'at')::timestamptz AS "lastFailureAt", l.first_scoring_at AS "firstScoringAt",
  l.suspicions AS "suspectedCrashes", l.crashes AS "confirmedCrashes",
  l.low_priority AS "lowPriority", l.traceparent`;

const CLAIM = (state: OpenState, returning: string) => `
  UPDATE ledger.leads l
  SET ${RAISE_FENCE}, claimed_by = $3, claimed_at = clock_timestamp(), touched_at = now(),
    suspicions = l.suspicions + ${ORPHANED}, crashes = l.crashes + ${ORPHANED} * l.alone::int, alone = false,
    -- A lead that still waits, for a slot or because it is suspected, is marked when its run begins.
    executing = NOT $4 AND l.suspicions + ${ORPHANED} = 0
    ${state === 'received' ? ', first_scoring_at = coalesce(l.first_scoring_at, clock_timestamp())' : ''}
  FROM ${lockInIdOrder('$1::uuid[], $2::int[]', 'id, epoch')} c
  WHERE l.id = c.id AND l.epoch = c.epoch AND l.state = '${state}'
  RETURNING ${returning}`;

const CLAIM_FOR_ENRICHMENT = CLAIM(
  'received',
  `${CLAIM_COLUMNS('enrichment_attempts')}, l.email, l.email_raw AS "emailRaw", l.name, l.attributes`,
);

/**
 * The statement reads the rows as they were before it. That suffices for the projection, since a claim changes no
 * content.
 */
const CLAIM_FOR_SYNC = `
WITH claimed AS (${CLAIM('enriched', CLAIM_COLUMNS('crm_sync_attempts'))})
SELECT claimed.*, p.projection
FROM claimed CROSS JOIN LATERAL (
  SELECT row_to_json(newest) AS projection
  FROM (${PROJECTION(`decode(claimed."personKey", 'hex')`)}) newest
) p`;

const RELEASE = `
UPDATE ledger.leads l SET ${END_CLAIM}, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::bigint[]', 'id, fence')} r
WHERE l.id = r.id AND l.fence = r.fence`;

const MARK_EXECUTING = `
UPDATE ledger.leads l SET executing = r.executing
FROM ${lockInIdOrder('$1::uuid[], $2::bigint[], $3::boolean[]', 'id, fence, executing')} r
WHERE l.id = r.id AND l.fence = r.fence
RETURNING l.id`;

/** Claims, and the end of claims. Concurrent calls share a statement. */
@Injectable()
export class ClaimsRepository {
  constructor(
    private readonly database: Database,
    @Inject(WORKER_NAME) private readonly worker: string,
  ) {}

  private readonly claimingForEnrichment = stageStatement(
    (requests: ClaimRequest[]) => this.claim<ClaimedLead>('claim-for-enrichment', CLAIM_FOR_ENRICHMENT, requests),
    ({ leadId }) => leadId,
  );
  private readonly claimingForSync = stageStatement(
    async (requests: ClaimRequest[]): Promise<(LeadClaimedForSync | null)[]> => {
      type Row = Claim & { projection: ProjectionRow };
      const rows = await this.claim<Row>('claim-for-sync', CLAIM_FOR_SYNC, requests);
      return rows.map((row) => row && { ...row, projection: projectionOf(row.projection) });
    },
    ({ leadId }) => leadId,
  );
  private readonly marking = stageStatement(
    async (runs: (Fence & { executing: boolean })[]): Promise<boolean[]> => {
      const statement = { name: 'mark-executing', text: MARK_EXECUTING, values: columns(runs, ['id', 'fence', 'executing']) };
      const marked = new Set((await this.database.query<{ id: string }>(statement)).rows.map(({ id }) => id));
      return runs.map(({ id }) => marked.has(id));
    },
    ({ id }) => id,
  );
  private readonly releasing = stageStatement(
    async (fences: Fence[]): Promise<void[]> => {
      await this.database.query({ name: 'release-claims', text: RELEASE, values: columns(fences, ['id', 'fence']) });
      return [];
    },
    ({ id }) => id,
  );

  /**
   * Claims a lead. It gets a new fence, so that an older, frozen run can no longer write. Null where the job is
   * outdated (a newer revision, already done, or erased): there is nothing left to do.
   */
  claimForEnrichment(request: ClaimRequest): Promise<ClaimedLead | null> {
    return ioBoundary('ledger.claim-for-enrichment', request.leadId, () => this.claimingForEnrichment.submit(request));
  }

  claimForSync(request: ClaimRequest): Promise<LeadClaimedForSync | null> {
    return ioBoundary('ledger.claim-for-sync', request.leadId, () => this.claimingForSync.submit(request));
  }

  /**
   * Returns a lead without counting an attempt or suspecting a crash. A lead that a newer run has claimed is left
   * unchanged.
   */
  release({ id, fence }: Fence): Promise<void> {
    return this.releasing.submit({ id, fence });
  }

  /**
   * Marks the start of the run: if the worker crashes from now on, this lead is suspected. @throws AppError STALE_RUN
   */
  async markExecuting({ id, fence }: Fence): Promise<void> {
    assertFence(await this.marking.submit({ id, fence, executing: true }));
  }

  /** Marks that the run waits again: a crash from now on is not attributed to this lead. @throws AppError STALE_RUN */
  async markWaiting({ id, fence }: Fence): Promise<void> {
    assertFence(await this.marking.submit({ id, fence, executing: false }));
  }

  /**
   * Marks that the run is exclusive: if the worker crashes from now on, this lead has crashed it. @throws AppError
   * STALE_RUN
   */
  async markExclusive({ id, fence }: Fence): Promise<void> {
    const text = 'UPDATE ledger.leads SET alone = true, executing = true WHERE id = $1 AND fence = $2';
    assertFence((await this.database.query(text, [id, fence])).rowCount === 1);
  }

  private async claim<Row extends Claim>(name: string, text: string, requests: ClaimRequest[]): Promise<(Row | null)[]> {
    const values = [...columns(requests, ['leadId', 'epoch']), this.worker, requests[0]?.waits ?? false];
    const { rows } = await this.database.query<Row>({ name, text, values });
    const claimed = new Map(rows.map((row) => [row.id, row]));
    return requests.map(({ leadId }) => claimed.get(leadId) ?? null);
  }
}

/** @throws AppError STALE_RUN where the write matched no row: a newer run or a revision has raised the fence. */
export function assertFence(written: boolean): void {
  if (!written) throw new AppError('STALE_RUN', 'A newer run has taken this lead over; the late write was refused.');
}
