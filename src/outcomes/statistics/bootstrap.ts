import { randomLcg, randomNormal } from 'd3-random';
import { INTERVAL_LEVEL, type Interval } from './intervals.js';
import { addCounts, noCounts, type ScoreCounts } from './score-counts.js';

export const REPLICATES = 500;
/** The same counts give the same interval, so that two readings of one report do not differ. */
const SEED = 0.42;
/** From this mean on the normal distribution is as good as Poisson's, and faster to draw from. */
const NORMAL_FROM = 30;

export type FigureOf = (counts: ScoreCounts) => number | null;

/**
 * The percentile interval of each figure, from the same replicates. A replicate draws every cell's count from a Poisson
 * distribution, which approximates drawing the leads with replacement (Hanley and MacGibbon 2006) and costs 202 draws
 * for any number of leads.
 * @returns null for a figure that fewer than half of the replicates have.
 */
export function bootstrapIntervals(counts: ScoreCounts, figures: readonly FigureOf[]): (Interval | null)[] {
  const draw = poissonFrom();
  const values = figures.map((): number[] => []);
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const sample = resampled(counts, draw);
    for (const [index, figureOf] of figures.entries()) {
      const value = figureOf(sample);
      if (value !== null) values[index]!.push(value);
    }
  }
  return values.map(intervalOf);
}

/** The percentile interval of replicated values; null where fewer than half of the replicates have one. */
export function intervalOf(values: number[]): Interval | null {
  if (values.length < REPLICATES / 2) return null;
  values.sort((a, b) => a - b);
  const tail = (1 - INTERVAL_LEVEL) / 2;
  return { low: quantile(values, tail), high: quantile(values, 1 - tail) };
}

export type Draw = (mean: number) => number;

/** Draws from Poisson distributions, the same ones each time. */
export function poissonFrom(seed = SEED): Draw {
  const random = randomLcg(seed);
  const normal = randomNormal.source(random)();
  return (mean) => {
    if (mean === 0) return 0;
    if (mean < NORMAL_FROM) return smallPoisson(mean, random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
  };
}

/** By inversion: one random number and about `mean` steps, where d3-random takes a logarithm per step. */
function smallPoisson(mean: number, uniform: number): number {
  let probability = Math.exp(-mean);
  let below = probability;
  let count = 0;
  while (uniform > below && probability > 0) {
    count++;
    probability *= mean / count;
    below += probability;
  }
  return count;
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
