import { AppError } from '../domain/app-error.js';
import { breakerWaitMs, type MarketoStage, type MarketoStagesRepository } from '../ledger/marketo-stages.repository.js';
import type { Logger } from '../platform/observability/logger.js';

export interface MarketoBreakerOptions {
  stage: MarketoStage;
  stages: Pick<MarketoStagesRepository, 'lease' | 'release' | 'open' | 'close' | 'addCalls'>;
  worker: string;
  /** Longer than any call may take, so that a process that took the lease over never writes beside an older call. */
  leaseMs: number;
  /** The first wait after a failure, in milliseconds. */
  baseMs: number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Lets one process at a time do a task that calls Marketo, and none while the task is paused or Marketo has told it to
 * wait. The state is in the database, so it holds for all processes and survives restarts.
 */
export class MarketoBreaker {
  /** Openings in a row, by all processes. */
  failures = 0;

  constructor(private readonly options: MarketoBreakerOptions) {}

  /** @returns false where another process does the task, it is paused, or its breaker is open. */
  async enter(): Promise<boolean> {
    const { stage, stages, worker, leaseMs } = this.options;
    const row = await stages.lease(stage, worker, leaseMs);
    if (!row || row.pausedAt !== null) return false;
    this.failures = row.failures;
    return (row.openForMs ?? 0) <= 0;
  }

  /** Counts calls that were sent, whatever came of them, and people who were written. */
  async count(calls: number, records = 0): Promise<void> {
    await this.options.stages.addCalls(this.options.stage, calls, records);
  }

  /** A call succeeded. */
  async succeeded(): Promise<void> {
    const { stage, stages, logger } = this.options;
    if (this.failures > 0) {
      this.failures = 0;
      await stages.close(stage);
      logger.info({ stage }, 'Marketo can be called again');
    }
  }

  /** A call failed: nothing is counted against a person, and the task waits. */
  async failed(cause: unknown): Promise<AppError> {
    const { stage, stages, baseMs, logger } = this.options;
    const error = AppError.from(cause);
    // An error of the database or of our own code says nothing about Marketo.
    if (!error.code.startsWith('MARKETO_')) throw error;
    const waitMs = breakerWaitMs(error, this.failures++, baseMs);
    const first = await stages.open(stage, error, waitMs);
    const line = { stage, code: error.code, problem: error.message, waitMs: Math.round(waitMs) };
    if (first) logger.error(line, 'Marketo cannot be called: what is owed to it waits, and nothing is lost');
    else logger.warn(line, 'Marketo still cannot be called');
    return error;
  }

  release(): Promise<void> {
    return this.options.stages.release(this.options.stage, this.options.worker);
  }
}
