import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';

export interface SlotRequest {
  /** Which lead gets a slot first: the heuristic's fit score. */
  rank: number;
  /** The longest wait in milliseconds. */
  waitMs: number;
  /** Ends the wait, e.g. when the process stops. */
  signal: AbortSignal;
}

/** A slot; `timed-out` where none was free in time; `cancelled` where the stage is paused or the process stops. */
export type Slot = { permit: CallPermit; release(): void } | 'timed-out' | 'cancelled';

export interface ModelSlotsOptions {
  /** Calls that this process may have in flight now; 0 while the breaker is open. */
  permitted(): number;
  paused(): boolean;
  enter(): CallPermit | null;
  rateLimiter: RateLimiter;
}

interface Waiter {
  rank: number;
  settle(slot: Slot): void;
}

/**
 * Model calls of this process, limited in number and rate. The leads with the highest rank go first, and none waits
 * longer than its `waitMs`.
 */
export class ModelSlots {
  private waiters: Waiter[] = [];
  private underWay = 0;
  private assigning = false;

  constructor(private readonly options: ModelSlotsOptions) {}

  /** The number of leads that wait for a slot. */
  get waiting(): number {
    return this.waiters.length;
  }

  acquire({ rank, waitMs, signal }: SlotRequest): Promise<Slot> {
    if (signal.aborted || this.options.paused()) return Promise.resolve('cancelled');
    return new Promise((resolve) => {
      const leave = (slot: Slot) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(slot);
      };
      const cancel = () => leave('cancelled');
      const waiter: Waiter = { rank, settle: leave };
      const timer = setTimeout(() => leave('timed-out'), Math.max(0, waitMs));
      signal.addEventListener('abort', cancel, { once: true });
      this.waiters.push(waiter);
      void this.assign();
    });
  }

  /** Call it when a share, a breaker or a pause has changed. */
  reassign(): void {
    if (this.options.paused()) for (const waiter of this.waiters) waiter.settle('cancelled');
    void this.assign();
  }

  /**
   * Assigns free slots. The next lead is chosen when the rate permits the call, so that a better one can still arrive.
   */
  private async assign(): Promise<void> {
    if (this.assigning) return;
    this.assigning = true;
    try {
      while (this.waiters.length > 0 && this.underWay < this.options.permitted()) {
        await this.options.rateLimiter.acquire();
        const permit = this.waiters.length > 0 ? this.options.enter() : null;
        if (!permit) break;
        this.underWay++;
        this.best().settle({ permit, release: () => this.release() });
      }
    } catch {
      // PostgreSQL, which holds the rate, is down. The next tick tries again.
    } finally {
      this.assigning = false;
    }
  }

  private best(): Waiter {
    return this.waiters.reduce((best, waiter) => (waiter.rank > best.rank ? waiter : best));
  }

  private release(): void {
    this.underWay--;
    void this.assign();
  }
}
