import { equalMassBins, noCounts, sum } from './score-counts.js';

/** Below: no drift worth a look; from the second on the scores of today are not those that were evaluated. */
export const DRIFT_LEVELS = { some: 0.1, strong: 0.25 } as const;
export type DriftLevel = 'none' | 'some' | 'strong';
/** A bin without leads would make the index infinite. */
const SMOOTHING = 0.5;

/**
 * The population stability index of two distributions of scores, over ten bins of equal mass of the first.
 * Null where either has no leads.
 */
export function stabilityIndex(reference: number[], recent: number[]): number | null {
  if (sum(reference) === 0 || sum(recent) === 0) return null;
  const bins = equalMassBins({ ...noCounts(), leads: reference }, 10);
  // Scores outside all bins of the reference belong to the bin next to them.
  bins[0]!.from = 0;
  bins.at(-1)!.to = reference.length - 1;
  const sharesOf = (leads: number[]) => {
    const all = sum(leads) + SMOOTHING * bins.length;
    return bins.map(({ from, to }) => (sum(leads.slice(from, to + 1)) + SMOOTHING) / all);
  };
  const before = sharesOf(reference);
  return sharesOf(recent).reduce((index, share, bin) => index + (share - before[bin]!) * Math.log(share / before[bin]!), 0);
}

export function driftLevelOf(index: number): DriftLevel {
  return index >= DRIFT_LEVELS.strong ? 'strong' : index >= DRIFT_LEVELS.some ? 'some' : 'none';
}
