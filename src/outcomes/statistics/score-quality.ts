import { equalMassBins, totalOf, type ScoreBin, type ScoreCounts } from './score-counts.js';

/** The probability that a score is compared with. */
export type Prediction = (score: number) => number;

/** A raw score read as a probability, which it only is by chance. */
export const rawPrediction: Prediction = (score) => score / 100;

/**
 * The probability that a converted lead has a higher score than one that did not convert, ties counted half (the area
 * under the ROC curve, as Mann and Whitney's U). Null where either group is empty.
 */
export function auc({ leads, conversions }: ScoreCounts): number | null {
  let below = 0;
  let wins = 0;
  let converted = 0;
  for (const [score, all] of leads.entries()) {
    const positive = conversions[score]!;
    const negative = all - positive;
    wins += positive * (below + negative / 2);
    below += negative;
    converted += positive;
  }
  return converted === 0 || below === 0 ? null : wins / (converted * below);
}

/** The mean squared difference of prediction and outcome: 0 is perfect. Null without leads. */
export function brier({ leads, conversions }: ScoreCounts, predict: Prediction = rawPrediction): number | null {
  let total = 0;
  let sum = 0;
  for (const [score, all] of leads.entries()) {
    if (all === 0) continue;
    const predicted = predict(score);
    const positive = conversions[score]!;
    sum += positive * (1 - predicted) ** 2 + (all - positive) * predicted ** 2;
    total += all;
  }
  return total === 0 ? null : sum / total;
}

/** Murphy's decomposition: brier = reliability - resolution + uncertainty, exact where each score is a group. */
export interface BrierParts {
  reliability: number;
  resolution: number;
  uncertainty: number;
}

export function brierParts(counts: ScoreCounts, predict: Prediction = rawPrediction): BrierParts | null {
  const { leads: all, conversions } = totalOf(counts);
  if (all === 0) return null;
  const base = conversions / all;
  let reliability = 0;
  let resolution = 0;
  for (const [score, here] of counts.leads.entries()) {
    if (here === 0) continue;
    const observed = counts.conversions[score]! / here;
    reliability += (here * (predict(score) - observed) ** 2) / all;
    resolution += (here * (observed - base) ** 2) / all;
  }
  return { reliability, resolution, uncertainty: base * (1 - base) };
}

/** A point of the reliability diagram. */
export interface ReliabilityPoint extends ScoreBin {
  /** The mean prediction of the bin's leads. */
  predicted: number;
  /** The share of them that converted. */
  observed: number;
}

export function reliability(counts: ScoreCounts, predict: Prediction = rawPrediction, bins = 10): ReliabilityPoint[] {
  return equalMassBins(counts, bins).map((bin) => {
    let predicted = 0;
    for (let score = bin.from; score <= bin.to; score++) predicted += counts.leads[score]! * predict(score);
    return { ...bin, predicted: predicted / bin.leads, observed: bin.conversions / bin.leads };
  });
}

/** Expected calibration error: the mean distance of prediction and observation over bins of equal mass. */
export function calibrationError(counts: ScoreCounts, predict: Prediction = rawPrediction): number | null {
  const { leads } = totalOf(counts);
  if (leads === 0) return null;
  return reliability(counts, predict).reduce(
    (error, bin) => error + (bin.leads / leads) * Math.abs(bin.predicted - bin.observed),
    0,
  );
}

/** What share of the conversions the best-scored leads hold. */
export interface Lift {
  /** Of the leads, from the highest score down. */
  topShare: number;
  conversionShare: number;
  /** How many times as often they convert as all leads. */
  lift: number;
}

/** Leads of the score at the edge count in proportion, since their order among themselves is unknown. */
export function lifts(counts: ScoreCounts, topShares = [0.1, 0.2, 0.3, 0.5]): Lift[] {
  const { leads: all, conversions: converted } = totalOf(counts);
  if (all === 0 || converted === 0) return [];
  return topShares.map((topShare) => {
    let room = topShare * all;
    let found = 0;
    for (let score = counts.leads.length - 1; score >= 0 && room > 0; score--) {
      const here = counts.leads[score]!;
      if (here === 0) continue;
      const used = Math.min(here, room);
      found += (counts.conversions[score]! * used) / here;
      room -= used;
    }
    return { topShare, conversionShare: found / converted, lift: found / converted / topShare };
  });
}
