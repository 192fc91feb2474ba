import type { Queryable } from './database.js';

const MEASURE_INTERVAL_MS = 60_000;

/**
 * PostgreSQL's time, also while PostgreSQL is unavailable: this process's clock, corrected by the last measured offset.
 * Content is ordered by its time of receipt, so content from the spool needs the clock of content that was stored
 * directly. The error is half a round trip, plus the drift of both clocks since the last measurement.
 */
export class DatabaseClock {
  private offsetMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Queryable,
    private readonly ownClock: () => number = Date.now,
  ) {}

  /** Epoch milliseconds. */
  readonly now = (): number => Math.round(this.ownClock() + this.offsetMs);

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.measure(), MEASURE_INTERVAL_MS);
    await this.measure();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Measures the offset; keeps the last one where PostgreSQL does not answer. */
  async measure(): Promise<void> {
    try {
      const before = this.ownClock();
      const { rows } = await this.database.query<{ at: Date }>('SELECT clock_timestamp() AS at');
      this.offsetMs = rows[0]!.at.getTime() - (before + this.ownClock()) / 2;
    } catch {
      // The last offset stays in use.
    }
  }
}
