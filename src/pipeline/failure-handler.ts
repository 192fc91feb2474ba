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
import type { JobOutcome } from '../queue/job.js';
import { decideRetry, retryPolicyOf, type RetryPolicy } from './retry-policy.js';

const UNRECORDED_WAIT_MS = 1000;
/** So many distinct leads with one signature, and no success among them, mean a setting and not the leads. */
const LEADS_THAT_SHOW_A_SETTING = 3;
/** Calls overlap: one that succeeded may have been made a moment after one that failed. */
const OVERLAP_MS = 2000;

export interface Failure {
  stage: Stage;
  /** Null where the failure came before the claim; then nothing can be recorded against the lead. */
  claim: Claim | null;
  /** What was thrown: a FailedCall where the downstream was called. */
  cause: unknown;
  deadlinePassed?: boolean;
  /** How the stage goes on without a result, where it can (enrichment). */
  fallback?(error: AppError): Promise<void>;
}

/** Does with a failed run what the retry policy says, and records it in the ledger. */
@Injectable()
export class FailureHandler {
  private readonly policy: RetryPolicy;
  private readonly crashBudget: number;

  constructor(
    private readonly claims: ClaimsRepository,
    private readonly results: StageResultsRepository,
    private readonly flow: FlowControl,
    @Inject(CONFIG) config: Pick<Config, 'RETRY_ATTEMPTS' | 'RETRY_BASE_MS' | 'CRASH_BUDGET'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.policy = retryPolicyOf(config);
    this.crashBudget = config.CRASH_BUDGET;
    for (const stage of STAGES) this.refundWhenBreakerOpens(stage);
  }

  async handle(failure: Failure): Promise<JobOutcome> {
    try {
      return await this.settle(failure);
    } catch (cause) {
      // What could not be recorded did not happen: the job comes back and finds the lead as it was.
      return this.settle({ stage: failure.stage, claim: null, cause });
    }
  }

  /** Gives up a lead that has crashed CRASH_BUDGET workers while each ran it exclusively. @returns whether it did. */
  async deadLetterIfPoison(stage: Stage, claim: Claim): Promise<boolean> {
    const { confirmedCrashes } = claim;
    if (confirmedCrashes < this.crashBudget) return false;
    const error = new AppError('WORKER_CRASHED', `The worker crashed ${confirmedCrashes} times while it ran this lead alone.`);
    await this.results.recordFailure(claim, recordOf(stage, error, this.clock.now()), null);
    this.logger.error({ leadId: claim.id, stage, code: error.code }, 'A lead that crashes its worker is a dead letter now');
    return true;
  }

  private async settle({ stage, claim, cause, deadlinePassed = false, fallback }: Failure): Promise<JobOutcome> {
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
          await this.claims.release(claim).catch(() => {}); // PostgreSQL is away: the next claim takes it over
        }
        return disposition;
      case 'fallback':
        if (!breakerOpen) await this.results.recordFailure(claim, record, new Date(now));
        await fallback!(error);
        return { kind: 'done' };
      case 'retry':
        await this.results.recordFailure(claim, record, new Date(now + disposition.delayMs));
        // Counted a moment before the breaker opened.
        if (breaker.isOpen && error.class === 'dependency-down') await this.refundAttempts(stage, breaker);
        return { kind: 'retry', delayMs: disposition.delayMs, code: error.code };
      case 'dead-letter':
        await this.results.recordFailure(claim, record, null);
        if (error.signature) await this.openOnSharedFailure(stage, error, error.signature);
        return { kind: 'dead', code: error.code };
    }
  }

  /** Whichever process opened the breaker, this one may have counted failures a moment before. */
  private refundWhenBreakerOpens(stage: Stage): void {
    let wasOpen = false;
    this.flow.onChange(() => {
      const breaker = this.flow.breakers[stage];
      const opened = breaker.isOpen && !wasOpen && breaker.reason?.reason === 'dependency-down';
      wasOpen = breaker.isOpen;
      // PostgreSQL is away: the leads keep what was counted, and are not given up while nothing proves that the downstream is up.
      if (opened) void this.refundAttempts(stage, breaker).catch(() => {});
    });
  }

  /** The downstream was down: what its failures have cost leads since it last succeeded is given back. */
  private async refundAttempts(stage: Stage, breaker: CircuitBreaker): Promise<void> {
    const success = dateOf(breaker.lastSuccessAt);
    const since = success && new Date(success.getTime() - OVERLAP_MS);
    const count = await this.results.refundAttempts({ stage, since, signature: null });
    if (count > 0) this.logger.info({ stage, count }, 'Leads have the attempts back that the outage cost them');
  }

  /** A setting of the CRM that is wrong must not dead-letter leads: the breaker opens, and those dead letters are open again. */
  private async openOnSharedFailure(stage: Stage, error: AppError, signature: string): Promise<void> {
    const breaker = this.flow.breakers[stage];
    const refund = { stage, since: dateOf(breaker.lastAnswerAt), signature };
    const known = breaker.isOpen && breaker.reason?.reason === 'configuration';
    if (!known && (await this.results.countDeadWith(refund)) < LEADS_THAT_SHOW_A_SETTING) return;
    if (!known) await breaker.open('configuration', error);
    const count = await this.results.refundAttempts(refund);
    this.logger.error(
      { stage, code: error.code, problem: error.message, answer: error.answer, signature, count },
      'Several leads failed alike, so a setting of the downstream is at fault; they wait again and have their attempts back',
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

/** A long partial outage shall be seen in a lead's history, and not fill it. */
function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

function dateOf(at: number): Date | null {
  return at > 0 ? new Date(at) : null;
}
