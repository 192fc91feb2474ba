import type { Timeline } from './timeline.js';

/** Evenly spaced places for all processes, without credit, as in src/flow-control/rate-limiter.ts. */
export class Rate {
  private next = 0;

  constructor(
    private readonly timeline: Timeline,
    perSecond: number,
    /** What a reservation costs: a round trip to PostgreSQL. */
    private readonly reserveMs: number,
    private readonly everyMs = 1000 / perSecond,
  ) {}

  take(go: () => void): void {
    const at = Math.max(this.timeline.now + this.reserveMs, this.next);
    this.next = at + this.everyMs;
    this.timeline.at(at, go);
  }
}
