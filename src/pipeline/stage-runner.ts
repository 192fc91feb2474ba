import { Inject, Injectable } from '@nestjs/common';
import type { LeadReference } from '../domain/lead-jobs.js';
import type { Stage } from '../domain/lead-state.js';
import type { Claim } from '../ledger/claims.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import { traced } from '../platform/observability/tracing.js';
import { CLOCK, LOGGER } from '../platform/platform.module.js';
import type { LeadHandler, LeadOutcome } from '../queue/job.js';
import { CrashIsolation } from './crash-isolation.js';
import { FailureHandler } from './failure-handler.js';

/**
 * The delay of a lead whose job was fetched just as the stage was paused or its breaker opened. The worker then fetches
 * no more.
 */
export const BLOCKED_WAIT_MS = 1000;

/** What a run did, for its log line. It contains no personal data. */
export interface Completed {
  outcome: string;
  message: string;
  fields: Record<string, unknown>;
}

export type RunOutcome = LeadOutcome & { completed?: Completed };

/** One stage: claims a lead that a job names, and processes it. */
export interface StageProcessor<C extends Claim = Claim> {
  readonly stage: Stage;
  /** Name of a run's span. */
  readonly spanName: string;
  /** False while the stage is paused or no call may be made. */
  admits(): boolean;
  /** Null where the job is outdated for the lead. */
  claim(reference: LeadReference): Promise<C | null>;
  run(claim: C, signal: AbortSignal): Promise<RunOutcome>;
}

/** What every stage does around a run: crash isolation, the trace span and the log line. */
@Injectable()
export class StageRunner {
  constructor(
    private readonly failures: FailureHandler,
    private readonly isolation: CrashIsolation,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  handlerOf<C extends Claim>(processor: StageProcessor<C>): LeadHandler {
    return (reference, signal) => this.handle(processor, reference, signal);
  }

  private async handle<C extends Claim>(
    processor: StageProcessor<C>,
    reference: LeadReference,
    signal: AbortSignal,
  ): Promise<LeadOutcome> {
    const { stage, spanName } = processor;
    await this.isolation.admit();
    if (!processor.admits()) return { kind: 'wait', delayMs: BLOCKED_WAIT_MS };
    let claim: C | null;
    try {
      claim = await processor.claim(reference);
    } catch (cause) {
      return this.failures.handle({ stage, claim: null, cause });
    }
    if (!claim) return { kind: 'done' };
    const attributes = {
      'revenueflow.lead_id': claim.id,
      'revenueflow.revision': claim.revision,
      'revenueflow.attempt': claim.attempts + 1,
    };
    return traced({ name: spanName, parent: claim.traceparent, attributes }, async () => {
      const { completed, ...outcome } = await this.run(processor, claim, signal);
      // Logged within the span, so that the line has its trace id.
      if (completed) this.log(stage, claim, completed);
      return outcome;
    });
  }

  private async run<C extends Claim>(processor: StageProcessor<C>, claim: C, signal: AbortSignal): Promise<RunOutcome> {
    const { stage } = processor;
    try {
      if (this.isolation.isPoison(claim)) {
        await this.failures.deadLetterPoison(stage, claim);
        return { kind: 'dead', code: 'WORKER_CRASHED' };
      }
      return await processor.run(claim, signal);
    } catch (cause) {
      return this.failures.handle({ stage, claim, cause });
    }
  }

  /** One line per lead and stage, with the fields that show what happened to it. */
  private log(stage: Stage, claim: Claim, { outcome, message, fields }: Completed): void {
    const line = {
      leadId: claim.id,
      stage,
      outcome,
      revision: claim.revision,
      attempt: claim.attempts + 1,
      campaignId: claim.campaignId,
      waitedMs: claim.claimedAt.getTime() - claim.contentAt.getTime(),
      tookMs: this.clock.now() - claim.claimedAt.getTime(),
      ...fields,
    };
    this.logger.info(line, message);
  }
}
