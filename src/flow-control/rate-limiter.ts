import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';
import type { FlowControlRepository } from './flow-control.repository.js';

/**
 * A place that this process reaches later than this is dropped, since two calls at once would exceed the rate. If the
 * reservation itself took longer, only its first place is used: how late the others are is unknown.
 */
const LATE_MS = 60;

interface Waiter {
  go(): void;
  fail(error: unknown): void;
  signal: AbortSignal | undefined;
}

/**
 * Spaces calls evenly at a rate that holds for all processes together. Places are reserved in the database, for a tenth
 * of a second at a time. Unused places expire, so no second has more calls than the rate.
 */
export class SharedRateLimiter implements RateLimiter {
  private readonly waiting: Waiter[] = [];
  private pumping = false;

  constructor(
    private readonly store: Pick<FlowControlRepository, 'reserve'>,
    private readonly stage: Stage,
    private readonly perSecond: number,
  ) {}

  /** @throws AppError LEDGER_UNAVAILABLE or UNEXPECTED; the signal's reason where that is aborted first. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(signal!.reason as Error);
      };
      const settle = (act: () => void) => {
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const waiter: Waiter = { go: () => settle(resolve), fail: (error) => settle(() => reject(error as Error)), signal };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.waiting.push(waiter);
      void this.pump();
    });
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      let late = false;
      while (this.waiting.length > 0) {
        const count = late ? 1 : Math.min(this.waiting.length, Math.max(1, Math.floor(this.perSecond / 10)));
        const asked = performance.now();
        const { inMs, everyMs } = await this.store.reserve(this.stage, this.perSecond, count);
        const now = performance.now();
        late = now - asked > LATE_MS;
        await this.serve(now + Math.max(0, inMs), everyMs, late ? 1 : count);
      }
    } catch (cause) {
      const error = AppError.from(cause);
      for (const waiter of this.waiting.splice(0)) waiter.fail(error);
    } finally {
      this.pumping = false;
    }
  }

  private async serve(first: number, everyMs: number, count: number): Promise<void> {
    for (let place = 0; place < count; place++) {
      const at = first + place * everyMs;
      const wait = at - performance.now();
      if (wait > 1) await sleep(wait);
      if (performance.now() - at <= LATE_MS) this.waiting.shift()?.go();
    }
  }
}
