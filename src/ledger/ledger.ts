import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { CrmSynced, Lead, LeadError, LeadEvent } from '../domain/lead.js';
import type { Stage } from '../domain/lead-state.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { Batcher, type BatcherOptions } from '../platform/concurrency/batcher.js';
import type { Cursor, Page } from '../platform/database/cursor-pagination.js';
import type { Pool } from '../platform/database/pool.js';
import { acceptLeads, acceptSpooledLeads, type AcceptedLead, type LeadToAccept, type SpooledLead } from './intake.repository.js';
import { checkpointEnrichment, type EnrichmentCheckpoint } from './stage-results.repository.js';
import {
  claimForEnrichment,
  claimForSync,
  type Claim,
  type ClaimedLead,
  type ClaimRequest,
  type LeadClaimedForSync,
} from './claims.repository.js';
import { guarded, isDataError, overloaded } from './database-errors.js';
import { findLead, listLeads, type LeadFilter } from './leads.repository.js';
import { asLeader } from './leader-lock.js';
import { markSynced, type SyncedLead } from './mark-synced.js';
import { erasePerson, type ErasedPerson, type PersonToErase } from './erasures.repository.js';
import { eraseAgainIfGone } from './people/erasures.js';
import { recordFailure } from './record-failure.js';
import { Retention } from './retention.repository.js';
import { markAlone, releaseClaims, type Release } from './release-claims.js';
import { countDeadWith, refundAttempts, type AttemptRefund } from './return-attempts.js';
import { findProjection, type Projection } from './projection.js';
import { checkpointRescore, markCrmTold } from './rescore/checkpoint.js';
import { claimForRescore, type LeadClaimedForRescore } from './rescore.repository.js';
import { recordRescoreFailure, returnRescore } from './rescore/postpone.js';
import { SpeedToLead } from './sla/speed-to-lead.js';
import { backlog, openLeads, raiseEpochs, type OpenLead } from './open-leads.repository.js';

export interface LedgerOptions {
  pool: Pool;
  /** Connections of the ack path alone, with its short timeout: a slow report must not hold up a webhook. */
  acceptPool: Pool;
  /** Names this process in the rows that it claims. */
  worker: string;
  /** CONTENT_IGNORE: attributes that make no new revision. */
  contentIgnore: string[];
  /** RETENTION_DAYS; undefined: for ever. */
  retentionDays?: number | undefined;
}

/** Leads that may wait in memory for a commit: about two seconds of work; past that the sender is told to come back. */
const MAX_WAITING = 20_000;
/** And what they may hold together, since a lead may be a thousand times larger than the usual. */
const MAX_WAITING_CHARACTERS = 64_000_000;

/**
 * The truth about every lead. Each method is one SQL statement (its own file beside this one), shared by concurrent callers
 * through a batcher where it is on the hot path.
 * Every method throws AppError LEDGER_UNAVAILABLE where PostgreSQL does not answer in time, and UNEXPECTED where it refuses the statement itself.
 */
export class Ledger {
  private readonly accepting: Batcher<LeadToAccept, AcceptedLead>;
  /** The newest request under way of each lead, so that its exact repeats can share its commit. */
  private readonly newest = new Map<string, { content: string; answer: Promise<AcceptedLead> }>();
  private waitingCharacters = 0;
  private readonly claimingForEnrichment: Batcher<ClaimRequest, ClaimedLead | null>;
  private readonly claimingForSync: Batcher<ClaimRequest, LeadClaimedForSync | null>;
  private readonly checkpointing: Batcher<EnrichmentCheckpoint, number | null>;
  private readonly marking: Batcher<SyncedLead, boolean>;
  private readonly releasing: Batcher<Release, void>;
  private readonly retention: Retention;
  /** How fast leads are, and what waits. */
  readonly sla: SpeedToLead;

  constructor(private readonly options: LedgerOptions) {
    const { pool, acceptPool, worker, contentIgnore } = options;
    this.sla = new SpeedToLead(pool);
    this.retention = new Retention(pool, options.retentionDays);
    this.accepting = new Batcher({
      run: (leads) => acceptLeads(acceptPool, leads, contentIgnore),
      maxBatch: 500,
      maxWaiting: MAX_WAITING,
      parallel: 1,
      keyOf: (lead) => lead.id,
      blamesOneItem: isDataError,
      failsAll: (error) => !isDataError(error),
    });
    this.claimingForEnrichment = stageBatcher(
      (claims) => claimForEnrichment(pool, claims, worker),
      (claim) => claim.leadId,
    );
    this.claimingForSync = stageBatcher(
      (claims) => claimForSync(pool, claims, worker),
      (claim) => claim.leadId,
    );
    this.checkpointing = stageBatcher(
      (checkpoints) => checkpointEnrichment(pool, checkpoints),
      (checkpoint) => checkpoint.id,
    );
    this.marking = stageBatcher(
      (leads) => markSynced(pool, leads),
      (lead) => lead.id,
    );
    this.releasing = stageBatcher(
      async (claims) => {
        await releaseClaims(pool, claims);
        return [];
      },
      (claim) => claim.id,
    );
  }

  /**
   * Commits a lead: when this resolves, it is in PostgreSQL's log on disk. A repeat of the very request that is under way for
   * the same lead waits for that commit and is its duplicate: a hundred at once cost one.
   * @throws AppError LEDGER_OVERLOADED where too many leads already wait.
   */
  async accept(lead: LeadToAccept): Promise<AcceptedLead> {
    const content = JSON.stringify([lead.name, lead.attributes]);
    const underWay = this.newest.get(lead.id);
    if (underWay?.content === content) return { ...(await underWay.answer), outcome: 'duplicate' };
    if (this.waitingCharacters + content.length > MAX_WAITING_CHARACTERS) throw overloaded();
    // To a webhook our mistake is an outage: the spool takes the lead, or the sender hears 503 and sends it again.
    const answer = guarded(this.accepting.submit(lead), 'LEDGER_UNAVAILABLE');
    this.waitingCharacters += content.length;
    const entry = { content, answer };
    this.newest.set(lead.id, entry);
    try {
      return await answer;
    } finally {
      this.waitingCharacters -= content.length;
      if (this.newest.get(lead.id) === entry) this.newest.delete(lead.id);
    }
  }

  /** Commits leads from the spool, in their order; ids may recur. */
  acceptSpooled(leads: SpooledLead[]): Promise<AcceptedLead[]> {
    return guarded(acceptSpooledLeads(this.options.pool, leads, this.options.contentIgnore));
  }

  claimForEnrichment(request: ClaimRequest): Promise<ClaimedLead | null> {
    return guarded(ioBoundary('ledger.claim-for-enrichment', request.leadId, () => this.claimingForEnrichment.submit(request)));
  }

  claimForSync(request: ClaimRequest): Promise<LeadClaimedForSync | null> {
    return guarded(ioBoundary('ledger.claim-for-sync', request.leadId, () => this.claimingForSync.submit(request)));
  }

  /**
   * received → enriched.
   * @returns the epoch for the next stage's job.
   * @throws AppError STALE_RUN where a newer run has the lead; nothing was written.
   */
  async checkpoint(claim: Claim, enrichment: Enrichment): Promise<number> {
    const { id, fence } = claim;
    const epoch = await guarded(ioBoundary('ledger.checkpoint', id, () => this.checkpointing.submit({ id, fence, enrichment })));
    assertFence(epoch !== null);
    return epoch!;
  }

  /** enriched → synced. @throws AppError STALE_RUN where a newer run has the lead; nothing was written. */
  async markSynced(claim: Claim, crm: CrmSynced): Promise<void> {
    const { id, fence } = claim;
    assertFence(await guarded(ioBoundary('ledger.mark-synced', id, () => this.marking.submit({ id, fence, crm }))));
  }

  /** Counts the failed attempt; `nextAttemptAt` null makes it a dead letter. @throws AppError STALE_RUN */
  async recordFailure(claim: Claim, error: LeadError, nextAttemptAt: Date | null): Promise<void> {
    const { id, fence } = claim;
    const failure = { id, fence, error, nextAttemptAt };
    assertFence(await guarded(ioBoundary('ledger.record-failure', id, () => recordFailure(this.options.pool, failure))));
  }

  /** Hands a lead back untried. A newer run's lead is left alone. */
  release({ id, fence }: Claim): Promise<void> {
    return guarded(this.releasing.submit({ id, fence }));
  }

  /** From here on the run has its worker for itself. @throws AppError STALE_RUN */
  async markAlone({ id, fence }: Claim): Promise<void> {
    assertFence(await guarded(markAlone(this.options.pool, { id, fence })));
  }

  /** Gives back the attempts that were no lead's fault. @returns how many leads got some. */
  refundAttempts(refund: AttemptRefund): Promise<number> {
    return guarded(refundAttempts(this.options.pool, refund));
  }

  countDeadWith(refund: AttemptRefund): Promise<number> {
    return guarded(countDeadWith(this.options.pool, refund));
  }

  /** Synced leads whose score is a stand-in, or whose better score the CRM does not know yet; those of a dead worker after `leaseMs`. */
  claimForRescore(limit: number, leaseMs: number): Promise<LeadClaimedForRescore[]> {
    return guarded(claimForRescore(this.options.pool, limit, leaseMs));
  }

  /** @throws AppError STALE_RUN where the lead has changed since the claim: a newer score is never overwritten. */
  async checkpointRescore(claim: LeadClaimedForRescore, enrichment: Enrichment): Promise<void> {
    const { pool } = this.options;
    assertFence(
      await guarded(ioBoundary('ledger.checkpoint-rescore', claim.id, () => checkpointRescore(pool, claim, enrichment))),
    );
  }

  /** @throws AppError STALE_RUN */
  async markCrmTold(claim: LeadClaimedForRescore, crm: CrmSynced | null): Promise<void> {
    const { pool } = this.options;
    assertFence(await guarded(ioBoundary('ledger.mark-crm-told', claim.id, () => markCrmTold(pool, claim, crm))));
  }

  returnRescore(claim: LeadClaimedForRescore, dueAt: Date): Promise<void> {
    return guarded(returnRescore(this.options.pool, claim, dueAt));
  }

  recordRescoreFailure(claim: LeadClaimedForRescore, error: LeadError, dueAt: Date | null): Promise<void> {
    return guarded(recordRescoreFailure(this.options.pool, claim, error, dueAt));
  }

  /** What the CRM's Lead shall show of the person now; null where nothing of the person is left. */
  findProjection(personKey: string): Promise<Projection | null> {
    return guarded(findProjection(this.options.pool, personKey));
  }

  find(id: string): Promise<{ lead: Lead; events: LeadEvent[] } | null> {
    return guarded(findLead(this.options.pool, id));
  }

  list(filter: LeadFilter, limit: number, after: Cursor | null): Promise<Page<Lead>> {
    return guarded(listLeads(this.options.pool, filter, limit, after));
  }

  openLeads(afterId: string, quietMs: number, limit: number): Promise<OpenLead[]> {
    return guarded(openLeads(this.options.pool, afterId, quietMs, limit));
  }

  raiseEpochs(leads: OpenLead[]): Promise<OpenLead[]> {
    return guarded(raiseEpochs(this.options.pool, leads));
  }

  backlog(): Promise<{ stage: Stage; count: number; oldest: number }[]> {
    const stages = { received: 'enrichment', enriched: 'crm-sync' } as const;
    return guarded(backlog(this.options.pool)).then((rows) =>
      rows.map(({ state, ...row }) => ({ stage: stages[state], ...row })),
    );
  }

  asSweepLeader(work: () => Promise<void>): Promise<boolean> {
    return guarded(asLeader(this.options.pool, 'sweep', work));
  }

  asDrainLeader(work: () => Promise<void>): Promise<boolean> {
    return guarded(asLeader(this.options.pool, 'drain', work));
  }

  /** Every row of the person in one commit; see people/erase-person.ts. */
  erasePerson(person: PersonToErase): Promise<ErasedPerson> {
    return guarded(erasePerson(this.options.pool, person));
  }

  /** A run found its lead gone after it had called the CRM. @returns whether it was erased; then the CRM will be asked again. */
  eraseAgainIfGone({ id, personKey }: Claim): Promise<boolean> {
    return guarded(eraseAgainIfGone(this.options.pool, { id, personKey }));
  }

  asEraseLeader(work: () => Promise<void>): Promise<boolean> {
    return guarded(asLeader(this.options.pool, 'erase', work));
  }

  asAlertLeader(work: () => Promise<void>): Promise<boolean> {
    return guarded(asLeader(this.options.pool, 'alert', work));
  }

  /** Removes what has been kept for long enough, a bounded number at a time. @returns how many leads went. */
  prune(): Promise<number> {
    return guarded(this.retention.prune());
  }

  async ping(): Promise<void> {
    await guarded(this.options.pool.query('SELECT 1'));
  }

  /** Whether the ack path answers, within its short timeout. */
  async pingAcceptPath(): Promise<void> {
    await guarded(this.options.acceptPool.query('SELECT 1'));
  }
}

/** Two batches in flight: one is on the disk while the next is planned. */
function stageBatcher<Item, Result>(run: BatcherOptions<Item, Result>['run'], keyOf: (item: Item) => string) {
  return new Batcher<Item, Result>({
    run,
    keyOf,
    maxBatch: 200,
    maxWaiting: MAX_WAITING,
    parallel: 2,
    blamesOneItem: isDataError,
  });
}

function assertFence(written: boolean): void {
  if (!written) throw new AppError('STALE_RUN', 'A newer run has taken this lead over; the late write was refused.');
}
