import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';

export interface TurnRequest {
  /** Who goes first where not all can: the heuristic's fit score. */
  rank: number;
  /** How long it may wait, in milliseconds. */
  waitMs: number;
  /** Gives the line up, e.g. at the end of the process. */
  signal: AbortSignal;
}

/** A turn, `missed` where none came in time, or `given-up` where the stage or the process stops. */
export type Turn = { permit: CallPermit; end(): void } | 'missed' | 'given-up';

export interface TurnOptions {
  /** Calls that this process may have under way now; 0 while the breaker is open. */
  permitted(): number;
  paused(): boolean;
  enter(): CallPermit | null;
  rateLimiter: RateLimiter;
}

interface Waiter {
  rank: number;
  settle(turn: Turn): void;
}

/** The line before the model: limited in number and rate, the best leads first, and none waits for longer than it can afford. */
export class ModelSlots {
  private line: Waiter[] = [];
  private underWay = 0;
  private calling = false;

  constructor(private readonly options: TurnOptions) {}

  /** Leads that stand in the line. */
  get waiting(): number {
    return this.line.length;
  }

  take({ rank, waitMs, signal }: TurnRequest): Promise<Turn> {
    if (signal.aborted || this.options.paused()) return Promise.resolve('given-up');
    return new Promise((resolve) => {
      const leave = (turn: Turn) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.line = this.line.filter((other) => other !== waiter);
        resolve(turn);
      };
      const giveUp = () => leave('given-up');
      const waiter: Waiter = { rank, settle: leave };
      const timer = setTimeout(() => leave('missed'), Math.max(0, waitMs));
      signal.addEventListener('abort', giveUp, { once: true });
      this.line.push(waiter);
      void this.call();
    });
  }

  /** Looks again: a share, a breaker or a pause has changed. */
  look(): void {
    if (this.options.paused()) for (const waiter of this.line) waiter.settle('given-up');
    void this.call();
  }

  /** Calls the next of the line, as many as may be under way; who that is shows when its place in the rate has come. */
  private async call(): Promise<void> {
    if (this.calling) return;
    this.calling = true;
    try {
      while (this.line.length > 0 && this.underWay < this.options.permitted()) {
        await this.options.rateLimiter.take();
        const permit = this.line.length > 0 ? this.options.enter() : null;
        if (!permit) break;
        this.underWay++;
        this.best().settle({ permit, end: () => this.end() });
      }
    } catch {
      // PostgreSQL is away, which keeps the rate: the line is looked at again each second.
    } finally {
      this.calling = false;
    }
  }

  private best(): Waiter {
    return this.line.reduce((best, waiter) => (waiter.rank > best.rank ? waiter : best));
  }

  private end(): void {
    this.underWay--;
    void this.call();
  }
}
