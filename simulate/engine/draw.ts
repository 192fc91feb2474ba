import { Random } from '../../test/chaos/random.js';

/** z of the 95th percentile of the normal distribution. */
const Z95 = 1.6449;

/** Seeded draws from the distributions that the model knows. */
export class Draw extends Random {
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** By its median and its 95th percentile, which is how latencies are reported. */
  lognormal(p50: number, p95: number): number {
    if (p95 <= p50 || p50 <= 0) return p50;
    return p50 * Math.exp(this.normal() * (Math.log(p95 / p50) / Z95));
  }

  /** Which of the levels, by their shares, which sum to 1. */
  level(shares: readonly number[]): number {
    let left = this.next();
    const level = shares.findIndex((share) => (left -= share) < 0);
    return level < 0 ? shares.length - 1 : level;
  }

  /** From quantiles at even steps from 0 to 1, with straight lines between them. */
  quantiles(table: readonly number[]): number {
    if (table.length === 0) return 0;
    const place = this.next() * (table.length - 1);
    const below = Math.floor(place);
    const low = table[below]!;
    return low + ((table[below + 1] ?? low) - low) * (place - below);
  }

  private normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}
