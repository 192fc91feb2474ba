import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { LeadError } from '../domain/lead.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { CircuitBreaker } from '../flow-control/circuit-breaker.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FailedCall } from '../flow-control/run-with-permit.js';
import { ClaimsRepository, type Claim } from '../ledger/claims.repository.js';
import { StageResultsRepository } from '../ledger/stage-results.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../platform/platform.module.js';
import { jobRequestOf, type LeadOutcome } from '../queue/job.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { decideRetry, retryPolicyOf, type RetryPolicy } from './retry-policy.js';

const UNRECORDED_WAIT_MS = 1000;
/**
 * This many distinct leads with one signature, and no success among them, show a wrong setting rather than bad leads.
 */
const LEADS_THAT_SHOW_A_SETTING = 3;
/** Concurrent calls overlap: a success may have started a moment after a failure. */
const OVERLAP_MS = 2000;

export interface Failure {
  stage: Stage;
  /** Null where the failure came before the claim; then nothing is recorded for the lead. */
  claim: Claim | null;
  /** The thrown error; a FailedCall where the downstream was called. */
  cause: unknown;
  deadlinePassed?: boolean;
  /** Continues the stage without a result, where that is possible (enrichment). */
  fallback?(error: AppError): Promise<void>;
}

/** Applies the retry policy to a failed run and records it in the ledger. */
@Injectable()
export class FailureHandler {
  private readonly policy: RetryPolicy;

  constructor(
    private readonly claims: ClaimsRepository,
    private readonly results: StageResultsRepository,
    private readonly flow: FlowControl,
    private readonly publisher: JobPublisher,
    @Inject(CONFIG) config: Pick<Config, 'RETRY_ATTEMPTS' | 'RETRY_BASE_MS'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.policy = retryPolicyOf(config);
    for (const stage of STAGES) this.refundWhenBreakerOpens(stage);
  }

  async handle(failure: Failure): Promise<LeadOutcome> {
    try {
      return await this.settle(failure);
    } catch (cause) {
      // The failure could not be recorded, so the job returns and finds the lead unchanged.
      return this.settle({ stage: failure.stage, claim: null, cause });
    }
  }

  /** Makes a lead a dead letter that has crashed its workers, the last one while it ran alone. */
  async deadLetterPoison(stage: Stage, claim: Claim): Promise<void> {
    const crashes = claim.suspectedCrashes;
    const error = new AppError('WORKER_CRASHED', `${crashes} workers crashed while they ran this lead, the last ran it alone.`);
    await this.results.recordFailure(claim, recordOf(stage, error, this.clock.now()), null);
    this.logger.error({ leadId: claim.id, stage, code: error.code }, 'A lead that crashes its worker is a dead letter now');
  }

  private async settle({ stage, claim, cause, deadlinePassed = false, fallback }: Failure): Promise<LeadOutcome> {
    const breaker = this.flow.breakers[stage];
    const call = cause instanceof FailedCall ? cause : null;
    const error = call?.error ?? AppError.from(cause);
    const breakerOpen = call?.breakerOpen ?? breaker.isOpen;
    const attribution = call?.attribution ?? null;
    const failures = (claim?.attempts ?? 0) + 1;
    const facts = { failures, breakerOpen, deadlinePassed, attribution, random: Math.random() };
    const disposition = decideRetry(error, stage, facts, this.policy);
    const context = { leadId: claim?.id, stage, code: error.code, disposition: disposition.kind };
    if (disposition.kind === 'superseded') {
      this.logger.info(context, 'A newer run has this lead; this one wrote nothing');
      return { kind: 'done' };
    }
    if (!breakerOpen) this.logger.warn({ ...context, err: error }, 'A run failed');
    if (!claim) return { kind: 'wait', delayMs: UNRECORDED_WAIT_MS };

    const now = this.clock.now();
    const record = recordOf(stage, error, now);
    switch (disposition.kind) {
      case 'wait':
        if (attribution && isPowerOfTwo(attribution.failures)) {
          await this.results.recordFailure(claim, { ...record, shared: true }, new Date(now + disposition.delayMs));
        } else {
          await this.claims.release(claim).catch(() => {}); // PostgreSQL is down: the next claim takes it over
        }
        return disposition;
      case 'fallback':
        if (!breakerOpen) await this.results.recordFailure(claim, record, new Date(now));
        await fallback!(error);
        return { kind: 'done' };
      case 'retry':
        await this.retry(claim, stage, record, new Date(now + disposition.delayMs));
        // The breaker may have opened while the failure was recorded.
        if (breaker.isOpen && error.class === 'dependency-down') await this.refundAttempts(stage, breaker);
        return { kind: 'retry', delayMs: disposition.delayMs, code: error.code };
      case 'dead-letter':
        await this.results.recordFailure(claim, record, null);
        if (error.signature) await this.openOnSharedFailure(stage, error, error.signature);
        return { kind: 'dead', code: error.code };
    }
  }

  /** The lead leaves its job, so that neither waits for the other. */
  private async retry(claim: Claim, stage: Stage, record: LeadError, nextAttemptAt: Date): Promise<void> {
    const job = await this.results.recordRetry(claim, record, nextAttemptAt);
    const { contentAt, lowPriority } = claim;
    this.publisher.publish(stage, jobRequestOf({ ...job, contentAt, lowPriority, nextAttemptAt }));
  }

  /** Another process may have opened the breaker just after this one counted failures. */
  private refundWhenBreakerOpens(stage: Stage): void {
    let wasOpen = false;
    this.flow.onChange(() => {
      const breaker = this.flow.breakers[stage];
      const opened = breaker.isOpen && !wasOpen && breaker.reason?.reason === 'dependency-down';
      wasOpen = breaker.isOpen;
      // PostgreSQL is down: the attempts stay counted. No lead is dead-lettered until a success shows that the
      // downstream is up.
      if (opened) void this.refundAttempts(stage, breaker).catch(() => {});
    });
  }

  /** Refunds the attempts that failed since the downstream's last success, because the downstream was down. */
  private async refundAttempts(stage: Stage, breaker: CircuitBreaker): Promise<void> {
    const success = dateOf(breaker.lastSuccessAt);
    const since = success && new Date(success.getTime() - OVERLAP_MS);
    const count = await this.results.refundAttempts({ stage, since, signature: null });
    if (count > 0) this.logger.info({ stage, count }, 'Refunded the attempts that the outage cost leads');
  }

  /**
   * A wrong setting of the CRM must not dead-letter leads: the breaker opens, and the leads are returned to their
   * stage.
   */
  private async openOnSharedFailure(stage: Stage, error: AppError, signature: string): Promise<void> {
    const breaker = this.flow.breakers[stage];
    const refund = { stage, since: dateOf(breaker.lastAnswerAt), signature };
    const known = breaker.isOpen && breaker.reason?.reason === 'configuration';
    if (!known && (await this.results.countDeadWith(refund)) < LEADS_THAT_SHOW_A_SETTING) return;
    if (!known) await breaker.open('configuration', error);
    const count = await this.results.refundAttempts(refund);
    this.logger.error(
      { stage, code: error.code, problem: error.message, answer: error.answer, signature, count },
      'Several leads failed with the same error, so a setting of the downstream is wrong: their attempts are refunded',
    );
  }
}

export function recordOf(stage: Stage, error: AppError, now: number): LeadError {
  return {
    stage,
    code: error.code,
    class: error.class,
    message: error.message,
    at: new Date(now).toISOString(),
    ...(error.signature ? { signature: error.signature } : {}),
    ...(error.answer ? { answer: error.answer } : {}),
    ...(error.sent ? { sent: error.sent } : {}),
  };
}

/** Records few failures of a long partial outage, so that it shows in a lead's history without filling it. */
function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

function dateOf(at: number): Date | null {
  return at > 0 ? new Date(at) : null;
}
