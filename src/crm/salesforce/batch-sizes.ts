import type { Clock } from '../../platform/clock.js';

/**
 * A size that was too large is tried again after this, and twice as large after each further one: the org may have been
 * corrected.
 */
const DOUBLES_EVERY_MS = 600_000;

/** How many records of an object one call may have, as this org's triggers and flows take them. */
export class BatchSizes {
  private readonly learned = new Map<string, { limit: number; at: number }>();

  constructor(
    private readonly most: number,
    private readonly clock: Clock,
  ) {}

  sizeOf(object: string): number {
    const known = this.learned.get(object);
    if (!known) return this.most;
    const size = known.limit * 2 ** Math.min(20, Math.floor((this.clock.now() - known.at) / DOUBLES_EVERY_MS));
    if (size < this.most) return size;
    this.learned.delete(object);
    return this.most;
  }

  /** A call of `size` records failed as a whole, and its parts may pass. */
  tooLarge(object: string, size: number): void {
    const limit = Math.max(1, Math.floor(Math.min(size, this.sizeOf(object) * 2) / 2));
    this.learned.set(object, { limit, at: this.clock.now() });
  }
}
