import type { AppError } from '../domain/app-error.js';
import type { Clock } from '../platform/clock.js';

/** Failures in a row after which the scorer is left alone. */
const FAILURES = 5;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 900_000;

/**
 * The circuit breaker of one challenger in one process. It shares nothing with the stages' breakers: a challenger that
 * is down opens none of them, and none of them hides that it is down.
 */
export class ScorerBreaker {
  private failures = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private closedFrom = 0;

  constructor(private readonly clock: Clock) {}

  get admits(): boolean {
    return this.clock.now() >= this.closedFrom;
  }

  succeeded(): void {
    this.failures = 0;
    this.pauseMs = FIRST_PAUSE_MS;
  }

  failed(error: AppError): void {
    if (!isOutage(error)) return;
    this.failures++;
    const asked = error.retryAfterMs ?? 0;
    if (this.failures < FAILURES && asked === 0) return;
    this.closedFrom = this.clock.now() + Math.min(Math.max(this.pauseMs, asked), LONGEST_PAUSE_MS);
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    // The next call is a probe: a single failure opens it again.
    this.failures = FAILURES - 1;
  }
}

/** The scorer as a whole does not work, whatever the lead. */
export function isOutage(error: AppError): boolean {
  return ['dependency-down', 'rate-limited', 'configuration'].includes(error.class) || error.code === 'AI_TIMEOUT';
}
