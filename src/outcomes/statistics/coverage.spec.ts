import { randomBinomial, randomLcg } from 'd3-random';
import { expect, inject, it } from 'vitest';
import { chooseCalibrator } from '../calibration/choose-calibrator.js';
import { bootstrapIntervals } from './bootstrap.js';
import { wilson } from './intervals.js';
import { addCounts, binOf, noCounts, SCORES, together, type ScoreCounts } from './score-counts.js';
import { auc, brier } from './score-quality.js';

/** At least 95 of 100; the short run allows the same share. */
const SEEDS = inject('full') ? 100 : 20;
const MISSES = SEEDS / 20;
const LEADS_PER_HALF = 25_000;
const ALL_SCORES = Array.from({ length: SCORES }, (_, score) => score);

/** The true probability of conversion. */
const truth = (score: number) => 0.25 / (1 + Math.exp(-(score - 62) / 9)) + 0.01;
/** The share of each score, around a mean that drifts between the halves of the year. */
function sharesAround(mean: number): number[] {
  const weights = ALL_SCORES.map((score) => Math.exp(-(((score - mean) / 20) ** 2) / 2));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / all);
}
const HALVES = [sharesAround(45), sharesAround(58)];

/** What would be counted of endlessly many leads, to the scale of the sample. */
function expected(): ScoreCounts {
  const counts = noCounts();
  for (const shares of HALVES)
    for (const score of ALL_SCORES) {
      const leads = LEADS_PER_HALF * shares[score]!;
      addCounts(counts, score, leads, leads * truth(score));
    }
  return counts;
}

function sampled(seed: number): { earlier: ScoreCounts; later: ScoreCounts } {
  const binomial = randomBinomial.source(randomLcg(seed));
  const half = (shares: number[]) => {
    const counts = noCounts();
    let [left, share] = [LEADS_PER_HALF, 1];
    for (const score of ALL_SCORES) {
      const leads = left === 0 ? 0 : binomial(left, Math.min(1, shares[score]! / share))();
      addCounts(counts, score, leads, leads === 0 ? 0 : binomial(leads, truth(score))());
      left -= leads;
      share -= shares[score]!;
    }
    return counts;
  };
  return { earlier: half(HALVES[0]!), later: half(HALVES[1]!) };
}

it('holds the truth in at least 95 % of the years with drift, and calibrates better than the raw score out of time', () => {
  const whole = expected();
  const bands = [0, 20, 40, 60, 80].map((from) => [from, from === 80 ? 100 : from + 19] as const);
  const held: Record<string, number> = {};
  const count = (name: string, interval: { low: number; high: number } | null, value: number) => {
    held[name] = (held[name] ?? 0) + Number(interval !== null && interval.low <= value && value <= interval.high);
  };
  let better = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { earlier, later } = sampled(seed / (SEEDS + 1));
    const year = together(earlier, later);
    const [ofAuc, ofBrier] = bootstrapIntervals(year, [auc, (counts) => brier(counts)]);
    count('auc', ofAuc!, auc(whole)!);
    count('brier', ofBrier!, brier(whole)!);
    for (const [from, to] of bands) {
      const [seen, true_] = [binOf(year, from, to), binOf(whole, from, to)];
      count(`band ${from}`, wilson(seen.conversions, seen.leads), true_.conversions / true_.leads);
    }
    const { chosen } = chooseCalibrator({ earlier, later });
    better += Number(chosen !== null && chosen.outOfTime[chosen.calibrator.method]! < chosen.outOfTime.raw);
  }
  expect(Object.keys(held)).toHaveLength(7);
  for (const [name, times] of Object.entries(held)) expect([name, times >= SEEDS - MISSES]).toEqual([name, true]);
  expect(better).toBe(SEEDS);
});
