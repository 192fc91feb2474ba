import type { Clock } from '../../platform/clock.js';

/** Repeats that each successful call pays for. */
const PER_SUCCESS = 0.2;
/** Repeats a second that need no successes: with large batches a process makes few calls. */
const PER_SECOND = 5;
const AT_MOST = 10;
/** After this many failed calls in a row Salesforce counts as down, so that a probe costs a single call. */
const FAILURES_IN_A_ROW = 10;

/**
 * Limits how many failed calls one process repeats: a part of its successful calls and a few a second. While no call
 * succeeds there are no repeats, so an outage gets no additional load.
 */
export class RepeatBudget {
  private available = AT_MOST;
  private countedAt: number;
  /** A process that has not seen Salesforce answer repeats nothing. */
  private failuresInARow = Infinity;

  constructor(private readonly clock: Clock) {
    this.countedAt = clock.now();
  }

  succeeded(): void {
    this.failuresInARow = 0;
    this.add(PER_SUCCESS);
  }

  failed(): void {
    this.failuresInARow++;
  }

  /** @returns whether a call may be repeated; then the repeat is counted. */
  take(): boolean {
    const now = this.clock.now();
    this.add((Math.max(0, now - this.countedAt) / 1000) * PER_SECOND);
    this.countedAt = now;
    if (this.failuresInARow >= FAILURES_IN_A_ROW || this.available < 1) return false;
    this.available--;
    return true;
  }

  private add(repeats: number): void {
    this.available = Math.min(AT_MOST, this.available + repeats);
  }
}
