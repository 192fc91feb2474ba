import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/app-error.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';

export interface ApiBudgetOptions {
  /**
   * Share of the org's daily calls at which this service slows down, and stops; the rest is for the org's other
   * integrations.
   */
  slowAt: number;
  stopAt: number;
  /** SPEED_TO_LEAD_SLA_SECONDS, in milliseconds */
  slaMs: number;
  /** Stopped, one call is let through so often, in milliseconds: only an answer says that the window has rolled. */
  lookAgainMs: number;
  clock: Clock;
  logger: Pick<Logger, 'warn' | 'error' | 'info'>;
  /** Called with each share that the org reports. */
  observe(ratio: number): void;
}

/** The longest pause before a call, just before the stop. */
export const SLOWEST_MS = 2000;
/**
 * Between these shares of the day's calls the batching window grows, up to this part of the SLA: 5 s of 5 min.
 */
const WIDENS_FROM = 0.1;
const WIDEST_AT = 0.5;
const WIDEST_OF_SLA = 1 / 60;

/**
 * The window of a batch where `ratio` of the org's calls are used: the fewer are left, the more leads share one. 0
 * stays 0.
 */
export function widenedWindow(windowMs: number, ratio: number, slaMs: number): number {
  const widestMs = slaMs * WIDEST_OF_SLA;
  if (windowMs === 0 || windowMs >= widestMs || ratio <= WIDENS_FROM) return windowMs;
  const part = Math.min(1, (ratio - WIDENS_FROM) / (WIDEST_AT - WIDENS_FROM));
  // Each further per cent widens it by the same factor.
  return windowMs * (widestMs / windowMs) ** part;
}

/**
 * Keeps this service from using up what the org has. Each answer says how many calls of the last 24 hours are used
 * (`Sforce-Limit-Info: api-usage=18/5000`, https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm).
 */
export class ApiBudget {
  private ratio = 0;
  private stoppedAt = 0;
  private state: 'free' | 'slow' | 'stopped' = 'free';

  constructor(private readonly options: ApiBudgetOptions) {}

  /** What becomes of a batch's window now. */
  widened(windowMs: number): number {
    return widenedWindow(windowMs, this.ratio, this.options.slaMs);
  }

  /** Whether calls that can wait for the next day should. */
  get isLow(): boolean {
    return this.ratio >= this.options.slowAt;
  }

  /** Before each call. @throws AppError CRM_DAILY_LIMIT_REACHED once the service's part is used up. */
  async spend(): Promise<void> {
    const { slowAt, stopAt, lookAgainMs, clock } = this.options;
    if (this.ratio >= stopAt) {
      const waited = clock.now() - this.stoppedAt;
      if (waited < lookAgainMs) throw this.exhausted(lookAgainMs - waited);
      this.stoppedAt = clock.now();
    } else if (this.ratio >= slowAt) {
      await sleep((SLOWEST_MS * (this.ratio - slowAt)) / (stopAt - slowAt));
    }
  }

  /** Reads an answer's header. */
  learn(header: string | null): void {
    const [, used, limit] = /(?<![\w-])api-usage=(\d+)\/(\d+)/.exec(header ?? '') ?? [];
    if (!used || !limit || Number(limit) === 0) return;
    this.ratio = Number(used) / Number(limit);
    this.options.observe(this.ratio);
    this.tell();
  }

  private tell(): void {
    const { slowAt, stopAt, clock, logger } = this.options;
    const state = this.ratio >= stopAt ? 'stopped' : this.ratio >= slowAt ? 'slow' : 'free';
    if (state === this.state) return;
    if (state === 'stopped') this.stoppedAt = clock.now();
    this.state = state;
    const line = { used: Number(this.ratio.toFixed(3)), slowAt, stopAt };
    if (state === 'stopped')
      logger.error(line, "The org's API calls of the day are nearly used up: leads wait for the window to roll");
    else if (state === 'slow') logger.warn(line, "The org's API calls of the day run low: this service slows down");
    else logger.info(line, 'The org has API calls to spare again');
  }

  private exhausted(retryAfterMs: number): AppError {
    const percent = Math.round(this.ratio * 100);
    return new AppError(
      'CRM_DAILY_LIMIT_REACHED',
      `${percent} % of the org's daily API calls are used; the rest is left to other programs.`,
      {
        retryAfterMs,
      },
    );
  }
}
