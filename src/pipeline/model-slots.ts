import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';

export interface SlotRequest {
  /** Which lead goes first where not all can: the heuristic's fit score. */
  rank: number;
  /** How long it may wait, in milliseconds. */
  waitMs: number;
  /** Ends the wait, e.g. at the end of the process. */
  signal: AbortSignal;
}

/** A slot, `timed-out` where none was free in time, or `cancelled` where the stage or the process stops. */
export type Slot = { permit: CallPermit; release(): void } | 'timed-out' | 'cancelled';

export interface ModelSlotsOptions {
  /** Calls that this process may have under way now; 0 while the breaker is open. */
  permitted(): number;
  paused(): boolean;
  enter(): CallPermit | null;
  rateLimiter: RateLimiter;
}

interface Waiter {
  rank: number;
  settle(slot: Slot): void;
}

/** The calls of the model that this process may make: limited in number and rate, the best leads first, none waits longer than it can afford. */
export class ModelSlots {
  private waiters: Waiter[] = [];
  private underWay = 0;
  private assigning = false;

  constructor(private readonly options: ModelSlotsOptions) {}

  /** Leads that wait for a slot. */
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

  /** A share, a breaker or a pause has changed. */
  reassign(): void {
    if (this.options.paused()) for (const waiter of this.waiters) waiter.settle('cancelled');
    void this.assign();
  }

  /** Assigns free slots. Which lead is next is decided when the rate permits the call, not before. */
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
      // PostgreSQL is away, which keeps the rate: it is tried again each second.
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
