import { LATE_TURN } from '../../src/queue/priority.js';
import type { Lead } from './lead.js';

export interface Taker {
  inHand: number;
  /** Leads that it may process at a time. */
  room: number;
  take(lead: Lead): void;
}

/**
 * A stage's queue with its workers: in order of arrival, but leads that can still meet the SLA go before those that
 * cannot.
 */
export class StageQueue {
  private fresh: Lead[] = [];
  private late: Lead[] = [];
  private freshHead = 0;
  private lateHead = 0;
  private lateSeen = 0;
  private taken = 0;
  private next = 0;
  /** The highest number of waiting leads. */
  longest = 0;

  constructor(
    private readonly now: () => number,
    private readonly lateAfterMs: number,
    private readonly takers: Taker[],
  ) {}

  get waiting(): number {
    return this.fresh.length - this.freshHead + this.late.length - this.lateHead;
  }

  add(lead: Lead): void {
    this.fresh.push(lead);
    this.longest = Math.max(this.longest, this.waiting);
    this.dispatch();
  }

  done(taker: Taker): void {
    taker.inHand--;
    this.dispatch();
  }

  dispatch(): void {
    while (this.waiting > 0) {
      const taker = this.freeTaker();
      if (!taker) return;
      const lead = this.first();
      if (!lead) continue;
      taker.inHand++;
      taker.take(lead);
    }
  }

  /** Idle workers get jobs in turn. */
  private freeTaker(): Taker | undefined {
    for (let step = 0; step < this.takers.length; step++) {
      const taker = this.takers[(this.next + step) % this.takers.length]!;
      if (taker.inHand >= taker.room) continue;
      this.next = (this.next + step + 1) % this.takers.length;
      return taker;
    }
    return undefined;
  }

  /** Undefined if the head of the queue was deprioritised. */
  private first(): Lead | undefined {
    const lateTurn = this.lateHead < this.late.length && (this.freshHead === this.fresh.length || ++this.taken % LATE_TURN === 0);
    if (lateTurn) return this.fromLate();
    const lead = this.fresh[this.freshHead++]!;
    if (this.freshHead > 10_000) {
      this.fresh = this.fresh.slice(this.freshHead);
      this.freshHead = 0;
    }
    const isLate = this.now() - lead.receivedAt > this.lateAfterMs;
    if (!isLate || lead.late || ++this.lateSeen % LATE_TURN === 0) return lead;
    lead.late = true;
    this.late.push(lead);
    return undefined;
  }

  private fromLate(): Lead {
    const lead = this.late[this.lateHead++]!;
    if (this.lateHead > 10_000) {
      this.late = this.late.slice(this.lateHead);
      this.lateHead = 0;
    }
    return lead;
  }
}
