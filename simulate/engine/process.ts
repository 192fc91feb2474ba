import type { Host } from './host.js';
import type { Timeline } from './timeline.js';

export interface ProcessCost {
  /** CPU time of a turn, however many share it. */
  perBatchMs: number;
  /** And of each that shares it. */
  perItemMs: number;
  /** Of a second in which nothing comes: timers, heartbeats. */
  idleMsPerSecond: number;
}

/** CPU time of so many turns with so many items in them all, in milliseconds. */
export function cpuOf({ perBatchMs, perItemMs }: ProcessCost, turns: number, items: number): number {
  return perBatchMs * turns + perItemMs * items;
}

/** What shares one turn at most: more would end together that in truth ends one after the other. */
const MAX_BATCH = 50;
export const MINUTE = 60_000;

/**
 * One Node process: a single thread that processes everything that arrived while it was busy as one batch. So an item
 * costs most when it is alone and least under load, as with the service's batchers.
 */
export class Process {
  private readonly waiting: { cost: number; done(): void }[] = [];
  private head = 0;
  private busy = false;
  /** Turns of each minute, and the items in them. */
  private readonly minutes: { turns: number; items: number }[] = [];

  constructor(
    private readonly timeline: Timeline,
    readonly host: Host,
    private readonly cost: ProcessCost,
  ) {}

  /** `weight`: how many usual items this one costs as much as. */
  submit(weight: number, done: () => void): void {
    this.waiting.push({ cost: weight, done });
    if (!this.busy) this.turn();
  }

  private turn(): void {
    const { timeline, host, cost } = this;
    const batch = this.waiting.slice(this.head, this.head + MAX_BATCH);
    this.head += batch.length;
    if (this.head === this.waiting.length || this.head > 10_000) {
      this.waiting.splice(0, this.head);
      this.head = 0;
    }
    this.busy = true;
    let weight = 0;
    for (const item of batch) weight += item.cost;
    // A batch of light items is a light batch: its fixed part is that of its heaviest.
    const heaviest = batch.reduce((most, item) => Math.max(most, item.cost), 0);
    const turns = Math.min(1, heaviest);
    const minute = (this.minutes[Math.floor(timeline.now / MINUTE)] ??= { turns: 0, items: 0 });
    minute.turns += turns;
    minute.items += weight;
    host.run(cpuOf(cost, turns, weight), () => {
      this.busy = false;
      for (const item of batch) item.done();
      if (!this.busy && this.head < this.waiting.length) this.turn();
    });
  }

  /** Share of one core in the busiest minute; of its own, or of a store's that works for it as often as it does. */
  busiest(cost = this.cost): number {
    const most = this.minutes.reduce((so, minute) => Math.max(so, minute ? cpuOf(cost, minute.turns, minute.items) : 0), 0);
    return most / MINUTE + cost.idleMsPerSecond / 1000;
  }
}
