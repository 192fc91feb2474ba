import { Inject, Injectable } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { CrmSynced } from '../domain/lead.js';
import type { Stage } from '../domain/lead-state.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FailedCall, runWithPermit } from '../flow-control/run-with-permit.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import { RescoreRepository, type LeadClaimedForRescore } from '../ledger/rescore.repository.js';
import { CalibrationService } from '../outcomes/calibration.service.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CLOCK, CONFIG, LOGGER, METRICS } from '../platform/platform.module.js';
import { CRM } from './downstreams.js';
import { recordOf } from './failure-handler.js';
import { ModelSlots } from './model-slots.js';
import { decideRescore, retryPolicyOf, type RetryPolicy } from './retry-policy.js';
import { Scorer } from './scorer.js';

/** Below every fresh lead: the heuristic's ranks start at 0. */
const LAST_RANK = -1;
/** Wait before a returned lead is claimed again, in multiples of RETRY_BASE_MS. */
const HANDED_BACK_BASES = 30;
/** Wait before the primary scorer is called again after the secondary one answered, in multiples of RETRY_BASE_MS. */
const SECOND_SCORER_BASES = 600;

/** Replaces the fallback score of a synced lead, then updates the CRM. The lead stays `synced` whatever the result. */
@Injectable()
export class RescoreProcessor {
  private readonly policy: RetryPolicy;

  constructor(
    private readonly rescores: RescoreRepository,
    private readonly leads: LeadsRepository,
    private readonly flow: FlowControl,
    private readonly slots: ModelSlots,
    private readonly scorer: Scorer,
    private readonly calibrations: CalibrationService,
    @Inject(CRM) private readonly crm: Pick<CrmProvider, 'sync'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LEASE_MS' | 'RETRY_ATTEMPTS' | 'RETRY_BASE_MS'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {
    this.policy = retryPolicyOf(config);
  }

  /** @returns whether the lead has its new score. */
  async rescore(claim: LeadClaimedForRescore, signal: AbortSignal): Promise<boolean> {
    let stage: Stage = 'enrichment';
    try {
      if (!claim.crmOwed && !(await this.score(claim, signal))) return false;
      stage = 'crm-sync';
      return await this.updateCrm(claim, signal);
    } catch (cause) {
      await this.settle(claim, stage, cause, signal.aborted).catch(() => {}); // PostgreSQL is down: due again after the lease
      return false;
    }
  }

  private async score(claim: LeadClaimedForRescore, signal: AbortSignal): Promise<boolean> {
    const slot = this.scorer.local
      ? null
      : await this.slots.acquire({ rank: LAST_RANK, waitMs: this.config.LEASE_MS / 2, signal });
    if (slot === 'timed-out' || slot === 'cancelled') return this.handBack(claim);
    try {
      const call = () => this.scorer.score(claim, signal);
      const enrichment = await (slot ? runWithPermit(this.flow.breakers.enrichment, slot.permit, claim.id, call) : call());
      // The secondary scorer answered with rules, so its score is no better than the one that the lead has.
      if (enrichment.needsRescore) return await this.handBack(claim, SECOND_SCORER_BASES);
      await this.rescores.checkpointRescore(claim, enrichment);
      return true;
    } finally {
      slot?.release();
    }
  }

  private async updateCrm(claim: LeadClaimedForRescore, signal: AbortSignal): Promise<boolean> {
    const breaker = this.flow.breakers['crm-sync'];
    if (!breaker.admits) return this.handBack(claim);
    const projection = await this.leads.findProjection(claim.personKey);
    let crm: CrmSynced | null = null;
    // The CRM shows the person's newest row. Where that is another row, there is nothing to update.
    if (projection?.lead.id === claim.id) {
      const withProbability = await this.calibrations.withProbability(projection);
      const permit = breaker.enter();
      if (!permit) return this.handBack(claim);
      const { personKey, campaignId, receivedAt } = claim;
      const request = { personKey, projection: withProbability, campaignId, respondedAt: receivedAt.toISOString() };
      crm = await runWithPermit(breaker, permit, claim.id, () =>
        ioBoundary('crm.sync', claim.id, () => this.crm.sync(request, signal)),
      );
    }
    await this.rescores.markCrmUpdated(claim, crm);
    this.metrics.rescores.inc({ outcome: 'rescored' });
    return true;
  }

  private async settle(claim: LeadClaimedForRescore, stage: Stage, cause: unknown, stopping: boolean): Promise<void> {
    const call = cause instanceof FailedCall ? cause : null;
    const error = call?.error ?? AppError.from(cause);
    const breakerOpen = call?.breakerOpen ?? this.flow.breakers[stage].isOpen;
    const disposition = decideRescore(
      error,
      stage,
      { attempts: claim.attempts, breakerOpen: breakerOpen || stopping },
      this.policy,
    );
    if (disposition.kind === 'superseded') return; // the lead has changed and is scored anew
    if (disposition.kind === 'wait') return void (await this.handBack(claim));
    const now = this.clock.now();
    const last = disposition.kind === 'dead-letter';
    const dueAt = last ? null : new Date(now + disposition.delayMs);
    await this.rescores.recordRescoreFailure(claim, recordOf(stage, error, now), dueAt);
    this.metrics.rescores.inc({ outcome: last ? 'given-up' : 'failed' });
    this.logger.warn({ leadId: claim.id, stage, code: error.code, attempt: claim.attempts, last }, 'A re-score failed');
  }

  private async handBack(claim: LeadClaimedForRescore, bases = HANDED_BACK_BASES): Promise<false> {
    await this.rescores.returnRescore(claim, new Date(this.clock.now() + bases * this.policy.baseMs));
    return false;
  }
}
