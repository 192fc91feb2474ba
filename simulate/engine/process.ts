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

/** What shares one turn at most: more would end together that in truth ends one after the other. */
const MAX_BATCH = 50;
export const MINUTE = 60_000;

/**
 * One Node process: a single thread that takes whatever has come while it was busy and works on it as one batch. So an item costs
 * most when it comes alone, and least under load, which is what the batchers of the service do.
 */
export class Process {
  private readonly waiting: { cost: number; done(): void }[] = [];
  private head = 0;
  private busy = false;
  /** CPU time of each minute, in milliseconds. */
  readonly busyMs: number[] = [];

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
    const cpuMs = cost.perBatchMs * Math.min(1, heaviest) + cost.perItemMs * weight;
    const minute = Math.floor(timeline.now / MINUTE);
    this.busyMs[minute] = (this.busyMs[minute] ?? 0) + cpuMs;
    host.run(cpuMs, () => {
      this.busy = false;
      for (const item of batch) item.done();
      if (!this.busy && this.head < this.waiting.length) this.turn();
    });
  }

  /** Share of one core in the busiest minute. */
  busiest(): number {
    return this.busyMs.reduce((most, ms = 0) => Math.max(most, ms), 0) / MINUTE + this.cost.idleMsPerSecond / 1000;
  }
}
