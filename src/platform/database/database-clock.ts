import type { Queryable } from './database.js';

const MEASURE_INTERVAL_MS = 60_000;

/**
 * PostgreSQL's time, while PostgreSQL may be unavailable: this process' clock, corrected by the offset that it measured
 * last. Content is ordered by the time of receipt, so content from the spool must be on the clock of content that was
 * stored directly. The error is half of one round trip, and what the two clocks drift within a minute and an outage.
 */
export class DatabaseClock {
  private offsetMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Queryable,
    private readonly ownClock: () => number = Date.now,
  ) {}

  /** Milliseconds since 1970. */
  readonly now = (): number => Math.round(this.ownClock() + this.offsetMs);

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.measure(), MEASURE_INTERVAL_MS);
    await this.measure();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Keeps the last offset where PostgreSQL does not answer. */
  async measure(): Promise<void> {
    try {
      const before = this.ownClock();
      const { rows } = await this.database.query<{ at: Date }>('SELECT clock_timestamp() AS at');
      this.offsetMs = rows[0]!.at.getTime() - (before + this.ownClock()) / 2;
    } catch {
      // The offset of a minute ago is better than none.
    }
  }
}
