import { Heap } from '../engine/heap.js';
import type { Rate } from '../engine/rate.js';
import type { Timeline } from '../engine/timeline.js';

interface Waiter {
  rank: number;
  order: number;
  left: boolean;
  settle(turn: 'taken' | 'missed'): void;
}

/**
 * One worker's queue for the model, as src/pipeline/model-slots.ts: the best first, none for longer than it can
 * afford.
 */
export class AiLine {
  private readonly line = new Heap<Waiter>((a, b) => a.rank > b.rank || (a.rank === b.rank && a.order < b.order));
  private calling = false;
  private came = 0;
  underWay = 0;
  waiting = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly rate: Rate,
    /** This worker's share of AI_CONCURRENCY. */
    private readonly permitted: number,
  ) {}

  take(rank: number, waitMs: number, settle: (turn: 'taken' | 'missed') => void): void {
    const waiter: Waiter = { rank, order: this.came++, left: false, settle };
    this.line.push(waiter);
    this.waiting++;
    this.timeline.after(waitMs, () => {
      if (!waiter.left) this.leave(waiter, 'missed');
    });
    this.call();
  }

  end(): void {
    this.underWay--;
    this.call();
  }

  /** The next lead is chosen when its place in the rate is due. */
  private call(): void {
    if (this.calling || this.waiting === 0 || this.underWay >= this.permitted) return;
    this.calling = true;
    this.rate.take(() => {
      this.calling = false;
      const best = this.best();
      if (!best) return;
      this.underWay++;
      this.leave(best, 'taken');
      this.call();
    });
  }

  private best(): Waiter | undefined {
    for (;;) {
      const best = this.line.pop();
      if (!best || !best.left) return best;
    }
  }

  private leave(waiter: Waiter, turn: 'taken' | 'missed'): void {
    waiter.left = true;
    this.waiting--;
    waiter.settle(turn);
  }
}
