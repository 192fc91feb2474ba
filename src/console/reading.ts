import type { Clock } from '../platform/clock.js';

/**
 * A figure that costs a query, kept for some time, so that many open pages cost no more than one. While a new reading
 * is under way the last one is shown; the first reader of all waits.
 */
export class Reading<T> {
  private last: { value: T; at: number } | undefined;
  private running: Promise<T> | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly keptMs: number,
    private readonly take: () => Promise<T>,
    /** Whether a reading may be kept at all; one that may not is taken anew for each reader. */
    private readonly mayKeep: (value: T) => boolean = () => true,
  ) {}

  async read(): Promise<T> {
    const last = this.last && this.mayKeep(this.last.value) ? this.last : undefined;
    const age = last ? this.clock.now() - last.at : Infinity;
    if (last && age < this.keptMs) return last.value;
    const next = this.refresh();
    // A reading that is much too old would show a state that has passed; then its reader waits as well.
    if (!last || age > 4 * this.keptMs) return next;
    next.catch(() => {});
    return last.value;
  }

  private refresh(): Promise<T> {
    this.running ??= this.take()
      .then((value) => {
        this.last = { value, at: this.clock.now() };
        return value;
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }
}
