import { Inject, Injectable } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import type { LeadReference } from '../domain/lead-jobs.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { runWithPermit } from '../flow-control/run-with-permit.js';
import { ClaimsRepository, type LeadClaimedForSync } from '../ledger/claims.repository.js';
import { ErasuresRepository } from '../ledger/erasures.repository.js';
import { StageResultsRepository } from '../ledger/stage-results.repository.js';
import { CalibrationService } from '../outcomes/calibration.service.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CLOCK, CONFIG, LOGGER, METRICS } from '../platform/platform.module.js';
import { CrashIsolation } from './crash-isolation.js';
import { CRM } from './downstreams.js';
import { FailureHandler } from './failure-handler.js';
import { LeadOwners } from './lead-owners.js';
import { BLOCKED_WAIT_MS, type RunOutcome, type StageProcessor } from './stage-runner.js';

/** Brings one lead from enriched to synced: writes the person's Lead and its campaign membership to the CRM. */
@Injectable()
export class CrmSyncProcessor implements StageProcessor<LeadClaimedForSync> {
  readonly stage = 'crm-sync';
  readonly spanName = 'sync lead';

  constructor(
    private readonly claims: ClaimsRepository,
    private readonly results: StageResultsRepository,
    private readonly erasures: ErasuresRepository,
    private readonly flow: FlowControl,
    private readonly isolation: CrashIsolation,
    private readonly failures: FailureHandler,
    private readonly calibrations: CalibrationService,
    private readonly owners: LeadOwners,
    @Inject(CRM) private readonly crm: Pick<CrmProvider, 'name' | 'sync'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SPEED_TO_LEAD_SLA_SECONDS'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  admits(): boolean {
    return this.flow.breakers['crm-sync'].admits;
  }

  claim(reference: LeadReference): Promise<LeadClaimedForSync | null> {
    return this.claims.claimForSync(reference);
  }

  /** Isolated until the outcome is in the ledger: a crash by the next lead must not be attributed to this one. */
  run(claim: LeadClaimedForSync, signal: AbortSignal): Promise<RunOutcome> {
    return this.isolation.run(claim.suspectedCrashes, (exclusively) => this.sync(claim, exclusively, signal));
  }

  private async sync(claim: LeadClaimedForSync, exclusively: boolean, signal: AbortSignal): Promise<RunOutcome> {
    const began = this.clock.now();
    const breaker = this.flow.breakers['crm-sync'];
    try {
      if (exclusively) await this.claims.markExclusive(claim);
      else if (claim.suspectedCrashes > 0) await this.claims.markExecuting(claim);
      const permit = breaker.enter();
      if (!permit) return await this.handBack(claim);
      const { owner, ...crm } = await runWithPermit(breaker, permit, claim.id, () =>
        this.write(claim, exclusively, permit, signal),
      );
      if (owner) await this.owners.recordSeen(claim, owner);
      await this.results.markSynced(claim, crm);
    } catch (cause) {
      const outcome = await this.failures.handle({ stage: 'crm-sync', claim, cause });
      // The lead was superseded or erased during the run. If it was erased, the run may have written the person to the
      // CRM again.
      if (outcome.kind === 'done') await this.eraseAgainIfGone(claim);
      return outcome;
    }
    return { kind: 'done', completed: this.measured(claim, began) };
  }

  private async write(claim: LeadClaimedForSync, exclusively: boolean, permit: CallPermit, signal: AbortSignal) {
    const projection = await this.calibrations.withProbability(claim.projection);
    const choice = await this.owners.choiceFor(claim);
    return ioBoundary('crm.sync', claim.id, () =>
      this.crm.sync(
        {
          personKey: claim.personKey,
          ...choice,
          projection,
          campaignId: claim.campaignId,
          respondedAt: claim.receivedAt.toISOString(),
          // Runs alone, so it skips the batching window.
          urgent: exclusively || permit.probe,
        },
        signal,
      ),
    );
  }

  /** The breaker opened between the claim and the call. */
  private async handBack(claim: LeadClaimedForSync): Promise<RunOutcome> {
    await this.claims.release(claim).catch(() => {}); // PostgreSQL is down: the next claim takes it over
    return { kind: 'wait', delayMs: BLOCKED_WAIT_MS };
  }

  /** If this fails, the erasure's last pass erases the person: it waits until runs in progress have ended. */
  private async eraseAgainIfGone(claim: LeadClaimedForSync): Promise<void> {
    const { logger } = this;
    try {
      if (!(await this.erasures.eraseAgainIfGone(claim))) return;
      logger.info(
        { leadId: claim.id },
        'The lead was erased while it was written to the CRM: its erasure in the CRM is repeated',
      );
    } catch (error) {
      logger.warn({ leadId: claim.id, err: error }, 'Could not read whether the lead was erased meanwhile');
    }
  }

  private measured(claim: LeadClaimedForSync, began: number) {
    const now = this.clock.now();
    this.metrics.stageSeconds.observe({ stage: 'crm-sync', outcome: 'synced' }, (now - began) / 1000);
    const fields = { crm: this.crm.name };
    const completed = { outcome: 'synced', message: 'A lead is in the CRM', fields };
    // Measured from the lead's receipt to its first arrival in the CRM. A revision or a re-sync is not measured.
    if (!claim.firstSync) return completed;
    const speedToLeadMs = Math.max(0, now - claim.receivedAt.getTime());
    this.metrics.speedToLead.observe(speedToLeadMs / 1000);
    if (speedToLeadMs > this.config.SPEED_TO_LEAD_SLA_SECONDS * 1000) this.metrics.slaBreaches.inc();
    return { ...completed, fields: { ...fields, speedToLeadMs } };
  }
}
