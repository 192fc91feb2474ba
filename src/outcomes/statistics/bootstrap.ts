import { randomLcg, randomPoisson } from 'd3-random';
import { INTERVAL_LEVEL, type Interval } from './intervals.js';
import { addCounts, noCounts, type ScoreCounts } from './score-counts.js';

const REPLICATES = 500;
/** The same counts give the same interval, so that two readings of one report do not differ. */
const SEED = 0.42;

/**
 * The percentile interval of a figure. Each replicate draws every cell's count from a Poisson distribution, which
 * approximates drawing the leads with replacement (Hanley and MacGibbon 2006) and costs 202 draws for any number of
 * leads.
 * @param figure null where a replicate does not have it; such replicates are left out.
 * @returns null where fewer than half of the replicates have the figure.
 */
export function bootstrapInterval(counts: ScoreCounts, figure: (counts: ScoreCounts) => number | null): Interval | null {
  const draw = poissonFrom(SEED);
  const values: number[] = [];
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const value = figure(resampled(counts, draw));
    if (value !== null) values.push(value);
  }
  if (values.length < REPLICATES / 2) return null;
  values.sort((a, b) => a - b);
  const tail = (1 - INTERVAL_LEVEL) / 2;
  return { low: quantile(values, tail), high: quantile(values, 1 - tail) };
}

type Draw = (mean: number) => number;

function poissonFrom(seed: number): Draw {
  const poisson = randomPoisson.source(randomLcg(seed));
  return (mean) => (mean === 0 ? 0 : poisson(mean)());
}

function resampled({ leads, conversions }: ScoreCounts, draw: Draw): ScoreCounts {
  const counts = noCounts();
  for (const [score, all] of leads.entries()) {
    if (all === 0) continue;
    const positive = draw(conversions[score]!);
    addCounts(counts, score, positive + draw(all - conversions[score]!), positive);
  }
  return counts;
}

/** With linear interpolation; `sorted` is not empty. */
function quantile(sorted: number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}
