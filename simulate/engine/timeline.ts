import { Heap } from './heap.js';

interface Event {
  at: number;
  /** Events of one moment happen in the order in which they were planned, so that a seed gives one story. */
  order: number;
  act(): void;
}

/** Simulated time, in milliseconds: what is planned happens in order, and nothing happens between two events. */
export class Timeline {
  now = 0;
  private planned = 0;
  private readonly events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));

  after(delayMs: number, act: () => void): void {
    this.at(this.now + delayMs, act);
  }

  at(time: number, act: () => void): void {
    this.events.push({ at: Math.max(time, this.now), order: this.planned++, act });
  }

  /** Lets happen what is planned up to `until`, and what follows from it. */
  run(until = Infinity): void {
    for (let next = this.events.peek(); next && next.at <= until; next = this.events.peek()) {
      this.events.pop();
      this.now = next.at;
      next.act();
    }
  }
}
