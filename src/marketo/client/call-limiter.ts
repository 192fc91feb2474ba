import { setTimeout as sleep } from 'node:timers/promises';
import type { RateLimiter } from '../../platform/concurrency/rate-limiter.port.js';

/** Marketo counts calls in a window of this length. */
const WINDOW_MS = 20_000;

/** Where places for calls are reserved, for all processes together. */
export interface CallSlots {
  /** Reserves the next place, `everyMs` after the one before. @returns how long to wait for it, in milliseconds. */
  reserve(everyMs: number): Promise<number>;
}

/** Evenly spaced calls, so that no window of 20 seconds ever sees more than `per20Seconds` of them. */
export class CallLimiter implements RateLimiter {
  private readonly everyMs: number;

  constructor(
    private readonly slots: CallSlots,
    per20Seconds: number,
  ) {
    this.everyMs = WINDOW_MS / per20Seconds;
  }

  /** @throws AppError as the database does; the signal's reason where that is aborted first. */
  async acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const waitMs = await this.slots.reserve(this.everyMs);
    if (waitMs > 0) await sleep(waitMs, undefined, signal ? { signal } : {});
  }
}

/** At most `places` calls at a time in this process; others wait in their order. */
export class InFlightLimit {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.free = places;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
