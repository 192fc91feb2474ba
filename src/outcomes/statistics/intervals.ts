/**
 * The level of all intervals. A report shows dozens of them side by side: at 95 % one in twenty would miss the true
 * value, and the reader would find that one.
 */
export const INTERVAL_LEVEL = 0.99;
/** The quantile of the normal distribution for a two-sided interval of that level. */
const Z = 2.5758293035489004;

export interface Interval {
  low: number;
  high: number;
}

/** A share with its interval; `value` null where there are no leads. */
export interface Share extends Interval {
  value: number | null;
}

/**
 * Wilson's score interval of a proportion (Wilson 1927). It stays within 0 and 1 and is usable for few conversions,
 * where the normal approximation is not.
 */
export function wilson(successes: number, trials: number, z = Z): Share {
  if (trials === 0) return { value: null, low: 0, high: 1 };
  const share = successes / trials;
  const z2 = (z * z) / trials;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = Math.sqrt(share * (1 - share) * z2 + (z2 * z2) / 4) / (1 + z2);
  return { value: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
