import type { LeadContent } from '../domain/lead.js';
import type { OpenState } from '../domain/lead-state.js';
import type { Pool } from '../platform/database/pool.js';
import { columns } from '../platform/database/unnest-columns.js';
import { PROJECTION, projectionOf, type Projection, type ProjectionRow } from './projection.js';
import { lockInIdOrder } from './lock-in-id-order.js';

/** A job's view of the lead it brings forward. */
export interface ClaimRequest {
  leadId: string;
  epoch: number;
}

/** A run's hold on a lead, until somebody else raises the fence. */
export interface Claim extends Pick<LeadContent, 'id' | 'personKey' | 'campaignId' | 'revision'> {
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

/** For the scorer: with what the lead says. */
export interface ClaimedLead extends Claim, LeadContent {}

/** For the CRM, which is told what the person's newest content says: mostly, but not always, this row's. */
export interface LeadClaimedForSync extends Claim {
  /** The newest scored content of the person, which the CRM's Lead shall show: this row's or another's. */
  projection: Projection;
}

/** A claim that nobody ended, of a worker that nobody has heard of lately: it died with this lead in its hands. */
const ORPHANED = `(l.claimed_by IS NOT NULL AND l.claimed_by <> $3
    AND NOT EXISTS (SELECT 1 FROM flow.workers w WHERE w.worker = l.claimed_by AND w.seen_at > now() - interval '3 seconds'))::int`;

/** Named as the fields are, so that a row is a claim. */
const CLAIM_COLUMNS = (attempts: string) => `
  l.id, encode(l.person_key, 'hex') AS "personKey", l.campaign_id AS "campaignId", l.revision, l.epoch, l.fence, l.${attempts} AS attempts,
  l.received_at AS "receivedAt", l.content_at AS "contentAt", l.claimed_at AS "claimedAt", l.crm IS NULL AS "firstSync",
  (l.last_error->>'at')::timestamptz AS "lastFailureAt", l.first_scoring_at AS "firstScoringAt", l.suspicions, l.crashes,
  l.low_priority AS "lowPriority", l.traceparent`;

const CLAIM = (state: OpenState, returning: string) => `
  UPDATE ledger.leads l
  SET fence = nextval('ledger.fence'), claimed_by = $3, claimed_at = clock_timestamp(), touched_at = now(),
    suspicions = l.suspicions + ${ORPHANED}, crashes = l.crashes + ${ORPHANED} * l.alone::int, alone = false
    ${state === 'received' ? ', first_scoring_at = coalesce(l.first_scoring_at, clock_timestamp())' : ''}
  FROM ${lockInIdOrder('$1::uuid[], $2::int[]', 'id, epoch')} c
  WHERE l.id = c.id AND l.epoch = c.epoch AND l.state = '${state}'
  RETURNING ${returning}`;

const CLAIM_FOR_ENRICHMENT = CLAIM(
  'received',
  `${CLAIM_COLUMNS('enrichment_attempts')}, l.email, l.email_raw AS "emailRaw", l.name, l.attributes`,
);

/** The statement sees the rows as they were before it, which is what the projection needs: a claim changes no content. */
const CLAIM_FOR_SYNC = `
WITH claimed AS (${CLAIM('enriched', CLAIM_COLUMNS('crm_sync_attempts'))})
SELECT claimed.*, p.projection
FROM claimed CROSS JOIN LATERAL (
  SELECT row_to_json(newest) AS projection
  FROM (${PROJECTION(`decode(claimed."personKey", 'hex')`)}) newest
) p`;

/**
 * Claims a batch: each row that is still where its job expects it gets a new fence, so that a frozen older run can no longer
 * write. Null where the row has moved on (a newer revision, already done, erased): that job has nothing left to do.
 */
export function claimForEnrichment(pool: Pool, requests: ClaimRequest[], worker: string): Promise<(ClaimedLead | null)[]> {
  return claim<ClaimedLead>(pool, 'claim-for-enrichment', CLAIM_FOR_ENRICHMENT, requests, worker);
}

export async function claimForSync(pool: Pool, requests: ClaimRequest[], worker: string): Promise<(LeadClaimedForSync | null)[]> {
  type Row = Claim & { projection: ProjectionRow };
  const rows = await claim<Row>(pool, 'claim-for-sync', CLAIM_FOR_SYNC, requests, worker);
  return rows.map((row) => row && { ...row, projection: projectionOf(row.projection) });
}

async function claim<Row extends Claim>(pool: Pool, name: string, text: string, requests: ClaimRequest[], worker: string) {
  const { rows } = await pool.query<Row>({ name, text, values: [...columns(requests, ['leadId', 'epoch']), worker] });
  const claimed = new Map(rows.map((row) => [row.id, row]));
  return requests.map(({ leadId }) => claimed.get(leadId) ?? null);
}
