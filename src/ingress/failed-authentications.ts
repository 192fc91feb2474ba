import type { Clock } from '../platform/clock.js';

const WINDOW_MS = 60_000;
const FAILURES_IN_WINDOW = 20;
/** Addresses remembered at most; the oldest are forgotten, so that a flood from many addresses fills no memory. */
const ADDRESSES = 10_000;

/**
 * Counts wrong secrets by address. Only another wrong secret is ever held off: behind one proxy address, good requests and a
 * flood of bad ones may come side by side.
 */
export class FailedAuthentications {
  private readonly byAddress = new Map<string, { since: number; count: number }>();

  constructor(private readonly clock: Clock) {}

  /** Notes one more failure. @returns true where the address has had too many of late. */
  note(address: string): boolean {
    const now = this.clock.now();
    const entry = this.byAddress.get(address);
    const current = entry && now - entry.since < WINDOW_MS ? entry : { since: now, count: 0 };
    current.count++;
    this.byAddress.delete(address);
    this.byAddress.set(address, current);
    if (this.byAddress.size > ADDRESSES) this.byAddress.delete(this.byAddress.keys().next().value!);
    return current.count > FAILURES_IN_WINDOW;
  }
}
