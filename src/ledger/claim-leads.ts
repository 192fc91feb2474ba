import type { LeadContent } from '../lead/lead.js';
import type { OpenState } from '../lead/state.js';
import type { Pool } from '../platform/postgres.js';
import { columns } from '../platform/columns.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-row.js';
import { PROJECTION, projectionOf, type Projection, type ProjectionRow } from './projection.js';

/** A job's view of the lead it brings forward. */
export interface ClaimRequest {
  leadId: string;
  epoch: number;
}

/** A lead that this run owns until somebody else raises the fence. */
export interface ClaimedLead extends LeadContent {
  epoch: number;
  fence: string;
  /** Failures so far of this revision in this stage. */
  attempts: number;
  /** When this revision failed last; null where it has not. */
  lastFailureAt: Date | null;
  /** When this revision was first about to be scored. */
  firstScoringAt: Date | null;
  /** Workers that died while they had this lead among others, and alone. */
  suspicions: number;
  crashes: number;
  /** A replay or a re-score: fresh leads go first. */
  lowPriority: boolean;
  receivedAt: Date;
  contentAt: Date;
  claimedAt: Date;
  /** Of the trace that brought the content; null where nobody traces. */
  traceparent: string | null;
  /** It has never been in the CRM: its speed to lead is still to be measured. */
  firstSync: boolean;
}

export interface LeadClaimedForSync extends ClaimedLead {
  /** The newest scored content of the person, which the CRM's Lead shall show: this row's or another's. */
  projection: Projection;
}

/** A claim that nobody ended, of a worker that nobody has heard of lately: it died with this lead in its hands. */
const ORPHANED = `(l.claimed_by IS NOT NULL AND l.claimed_by <> $3
    AND NOT EXISTS (SELECT 1 FROM flow.workers w WHERE w.worker = l.claimed_by AND w.seen_at > now() - interval '3 seconds'))::int`;

const claim = (state: OpenState, attempts: string) => `
  UPDATE ledger.leads l
  SET fence = nextval('ledger.fence'), claimed_by = $3, claimed_at = clock_timestamp(), touched_at = now(),
    suspicions = l.suspicions + ${ORPHANED}, crashes = l.crashes + ${ORPHANED} * l.alone::int, alone = false
    ${state === 'received' ? ', first_scoring_at = coalesce(l.first_scoring_at, clock_timestamp())' : ''}
  FROM unnest($1::uuid[], $2::int[]) AS c (id, epoch)
  WHERE l.id = c.id AND l.epoch = c.epoch AND l.state = '${state}'
  RETURNING ${CONTENT_COLUMNS('l')}, l.epoch, l.fence, l.${attempts} AS attempts, l.received_at, l.content_at, l.claimed_at, l.crm IS NULL AS first_sync, l.person_key AS person,
    (l.last_error->>'at')::timestamptz AS last_failure_at, l.first_scoring_at, l.suspicions, l.crashes, l.low_priority, l.traceparent`;

const CLAIM_FOR_ENRICHMENT = claim('received', 'enrichment_attempts');

/** The statement sees the rows as they were before it, which is what the projection needs: a claim changes no content. */
const CLAIM_FOR_SYNC = `
WITH claimed AS (${claim('enriched', 'crm_sync_attempts')})
SELECT claimed.*, p.projection
FROM claimed CROSS JOIN LATERAL (
  SELECT to_jsonb(newest) AS projection
  FROM (${PROJECTION('claimed.person')}) newest
) p`;

interface ClaimedRow extends ContentRow {
  epoch: number;
  fence: string;
  attempts: number;
  received_at: Date;
  content_at: Date;
  claimed_at: Date;
  first_sync: boolean;
  last_failure_at: Date | null;
  first_scoring_at: Date | null;
  suspicions: number;
  crashes: number;
  low_priority: boolean;
  traceparent: string | null;
}

interface ClaimedForSyncRow extends ClaimedRow {
  projection: ProjectionRow;
}

/**
 * Claims a batch: each row that is still where its job expects it gets a new fence, so that a frozen older run can no longer
 * write. Null where the row has moved on (a newer revision, already done, erased): that job has nothing left to do.
 */
export async function claimForEnrichment(pool: Pool, requests: ClaimRequest[], worker: string): Promise<(ClaimedLead | null)[]> {
  const rows = await run<ClaimedRow>(pool, 'claim-for-enrichment', CLAIM_FOR_ENRICHMENT, requests, worker);
  return requests.map(({ leadId }) => {
    const row = rows.get(leadId);
    return row ? claimedOf(row) : null;
  });
}

export async function claimForSync(pool: Pool, requests: ClaimRequest[], worker: string): Promise<(LeadClaimedForSync | null)[]> {
  const rows = await run<ClaimedForSyncRow>(pool, 'claim-for-sync', CLAIM_FOR_SYNC, requests, worker);
  return requests.map(({ leadId }) => {
    const row = rows.get(leadId);
    if (!row) return null;
    return { ...claimedOf(row), projection: projectionOf(row.projection) };
  });
}

async function run<Row extends ContentRow>(pool: Pool, name: string, text: string, requests: ClaimRequest[], worker: string) {
  const { rows } = await pool.query<Row>({ name, text, values: [...columns(requests, ['leadId', 'epoch']), worker] });
  return new Map(rows.map((row) => [row.id, row]));
}

function claimedOf(row: ClaimedRow): ClaimedLead {
  return {
    ...contentOf(row),
    epoch: row.epoch,
    fence: row.fence,
    attempts: row.attempts,
    receivedAt: row.received_at,
    contentAt: row.content_at,
    claimedAt: row.claimed_at,
    firstSync: row.first_sync,
    lastFailureAt: row.last_failure_at,
    firstScoringAt: row.first_scoring_at,
    suspicions: row.suspicions,
    crashes: row.crashes,
    lowPriority: row.low_priority,
    traceparent: row.traceparent,
  };
}
