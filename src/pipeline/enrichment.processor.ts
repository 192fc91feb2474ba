import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadReference } from '../domain/lead-jobs.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { runWithPermit } from '../flow-control/run-with-permit.js';
import { ClaimsRepository, type ClaimedLead } from '../ledger/claims.repository.js';
import { StageResultsRepository } from '../ledger/stage-results.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CLOCK, CONFIG, METRICS } from '../platform/platform.module.js';
import { jobRequestOf } from '../queue/job.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { TrialArms } from '../trials/trial-arms.js';
import { CrashIsolation } from './crash-isolation.js';
import { HEURISTIC } from './downstreams.js';
import { FailureHandler } from './failure-handler.js';
import { heuristicFallback, neutralFallback } from './fallback-score.js';
import { ModelSlots } from './model-slots.js';
import { Scorer } from './scorer.js';
import { BLOCKED_WAIT_MS, type Completed, type RunOutcome, type StageProcessor } from './stage-runner.js';

/** How long a late lead waits for a model slot: it has no deadline to meet, but may take a free slot. */
const LATE_WAIT_MS = 1000;

/** Brings one lead from received to enriched, and enqueues it for the next stage. */
@Injectable()
export class EnrichmentProcessor implements StageProcessor<ClaimedLead> {
  readonly stage = 'enrichment';
  readonly spanName = 'enrich lead';

  constructor(
    private readonly claims: ClaimsRepository,
    private readonly results: StageResultsRepository,
    private readonly publisher: JobPublisher,
    private readonly flow: FlowControl,
    private readonly isolation: CrashIsolation,
    private readonly failures: FailureHandler,
    private readonly slots: ModelSlots,
    private readonly scorer: Scorer,
    private readonly arms: TrialArms,
    @Inject(HEURISTIC) private readonly heuristic: EnrichmentProvider,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AI_DEADLINE_SECONDS' | 'SPEED_TO_LEAD_SLA_SECONDS'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  /** True also while the breaker is open: leads wait for a slot until their deadline. */
  admits(): boolean {
    return !this.flow.breakers.enrichment.paused;
  }

  claim(reference: LeadReference): Promise<ClaimedLead | null> {
    return this.claims.claimForEnrichment({ ...reference, waits: !this.scorer.local });
  }

  async run(claim: ClaimedLead, signal: AbortSignal): Promise<RunOutcome> {
    try {
      const challenged = await this.challenge(claim, signal);
      if (challenged) return challenged;
      return await (this.scorer.local ? this.enrich(claim, null, signal) : this.enrichInSlot(claim, signal));
    } catch (cause) {
      return this.fail(claim, cause);
    }
  }

  /**
   * Null where the champion has to score the lead. A lead that may have crashed a worker is left to the champion, whose
   * runs crash isolation narrows down.
   */
  private async challenge(claim: ClaimedLead, signal: AbortSignal): Promise<RunOutcome | null> {
    if (claim.suspectedCrashes > 0) return null;
    return this.isolated(claim, async () => {
      const marked = this.arms.concerns(claim) && !this.scorer.local;
      if (marked) await this.claims.markExecuting(claim);
      const enrichment = await this.arms.score(claim, signal);
      if (enrichment) return this.checkpoint(claim, enrichment);
      // It waits for a slot of the champion now.
      if (marked) await this.claims.markWaiting(claim);
      return null;
    });
  }

  /** Waits for a model slot until the lead's deadline. */
  private async enrichInSlot(claim: ClaimedLead, signal: AbortSignal): Promise<RunOutcome> {
    if (this.scorer.budgetSpent) return this.continueWithoutBudget(claim);
    const ranking = await this.heuristic.score(claim, signal);
    const now = this.clock.now();
    const halfOfSlaMs = (this.config.SPEED_TO_LEAD_SLA_SECONDS * 1000) / 2;
    const untilHalfOfSla = Math.max(claim.contentAt.getTime() + halfOfSlaMs - now, LATE_WAIT_MS);
    const untilDeadline = this.deadlineOf(claim) - now;
    const slot = await this.slots.acquire({
      rank: ranking.fitScore,
      waitMs: Math.min(untilHalfOfSla, untilDeadline),
      signal,
    });
    if (slot === 'cancelled') {
      await this.claims.release(claim).catch(() => {}); // PostgreSQL is down: the next claim takes it over
      return { kind: 'wait', delayMs: BLOCKED_WAIT_MS };
    }
    this.metrics.aiTurns.inc({ outcome: slot === 'timed-out' ? 'missed' : 'taken' });
    if (slot === 'timed-out') return this.continueWithoutSlot(claim, ranking, untilDeadline <= untilHalfOfSla);
    try {
      if (!this.scorer.budgetSpent) return await this.enrich(claim, slot.permit, signal);
      slot.permit.cancelled();
      return await this.continueWithoutBudget(claim);
    } finally {
      slot.release();
    }
  }

  private enrich(claim: ClaimedLead, permit: CallPermit | null, signal: AbortSignal): Promise<RunOutcome> {
    return this.isolated(claim, (exclusively) => this.scoreAndCheckpoint(claim, permit, exclusively, signal));
  }

  /** Isolated until the outcome is in the ledger: a crash by the next lead must not be attributed to this one. */
  private isolated<T>(claim: ClaimedLead, work: (exclusively: boolean) => Promise<T>): Promise<T | RunOutcome> {
    return this.isolation.run(claim.suspectedCrashes, async (exclusively) => {
      try {
        return await work(exclusively);
      } catch (cause) {
        return this.fail(claim, cause);
      }
    });
  }

  private async scoreAndCheckpoint(
    claim: ClaimedLead,
    permit: CallPermit | null,
    exclusively: boolean,
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    const call = async () => {
      if (exclusively) await this.claims.markExclusive(claim);
      else if (permit || claim.suspectedCrashes > 0) await this.claims.markExecuting(claim);
      return this.scorer.score(claim, signal);
    };
    const enrichment = await (permit ? runWithPermit(this.flow.breakers.enrichment, permit, claim.id, call) : call());
    return this.checkpoint(claim, enrichment);
  }

  /**
   * In an outage a lead that has waited until its deadline gets the neutral score of 50. A lead that got no slot
   * because others ranked higher gets the heuristic's score.
   */
  private continueWithoutSlot(claim: ClaimedLead, ranking: Enrichment, atDeadline: boolean): Promise<RunOutcome> {
    const outage = this.flow.breakers.enrichment.reason;
    if (outage && atDeadline) {
      return this.continueWithFallback(claim, new AppError(outage.code, 'The model could not be asked in time.'));
    }
    this.metrics.aiFallbacks.inc({ reason: 'AI_OVERLOADED' });
    return this.checkpoint(claim, heuristicFallback(ranking));
  }

  private continueWithoutBudget(claim: ClaimedLead): Promise<RunOutcome> {
    return this.continueWithFallback(claim, new AppError('AI_BUDGET_SPENT', 'The tokens of the day are used up.'));
  }

  private async continueWithFallback(claim: ClaimedLead, reason: AppError): Promise<RunOutcome> {
    const outcome = await this.checkpoint(claim, neutralFallback(this.scorer.name, reason));
    this.metrics.aiFallbacks.inc({ reason: reason.code });
    return outcome;
  }

  private async fail(claim: ClaimedLead, cause: unknown): Promise<RunOutcome> {
    let completed: Completed | undefined;
    const outcome = await this.failures.handle({
      stage: 'enrichment',
      claim,
      cause,
      deadlinePassed: this.clock.now() >= this.deadlineOf(claim),
      fallback: async (error) => {
        completed = (await this.continueWithFallback(claim, error)).completed;
      },
    });
    return { ...outcome, ...(completed ? { completed } : {}) };
  }

  /** The score is stored before the CRM is called, so a CRM retry causes no second AI call. */
  private async checkpoint(claim: ClaimedLead, scored: Enrichment): Promise<RunOutcome> {
    const enrichment = this.arms.marked(claim, scored);
    const job = await this.results.checkpoint(claim, enrichment);
    const { contentAt, lowPriority } = claim;
    this.publisher.publish('crm-sync', jobRequestOf({ ...job, contentAt, lowPriority, nextAttemptAt: null }));
    const { fitScore, intent, scoreSource, provider, flags, usage } = enrichment;
    const fields = { fitScore, intent, scoreSource, provider, flags, costUsd: usage?.costUsd };
    return { kind: 'done', completed: { outcome: 'enriched', message: 'A lead was scored', fields } };
  }

  private deadlineOf(claim: ClaimedLead): number {
    return (claim.firstScoringAt?.getTime() ?? this.clock.now()) + this.config.AI_DEADLINE_SECONDS * 1000;
  }
}
