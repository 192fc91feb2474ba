import { SCORES, sum, zeroes, noCounts, addCounts, type ScoreCounts } from '../../outcomes/statistics/score-counts.js';

/**
 * Leads by both of their scores: `cells[champion * 101 + challenger]`. Each figure of a comparison is a function of
 * these cells, so its memory does not grow with the number of leads.
 */
export type PairedScores = Map<number, number>;

export function addPair(pairs: PairedScores, champion: number, challenger: number, leads = 1): void {
  const cell = champion * SCORES + challenger;
  pairs.set(cell, (pairs.get(cell) ?? 0) + leads);
}

interface Pair {
  champion: number;
  challenger: number;
  leads: number;
}

export function* pairsOf(pairs: PairedScores): Generator<Pair> {
  for (const [cell, leads] of pairs) yield { champion: Math.floor(cell / SCORES), challenger: cell % SCORES, leads };
}

export function leadsIn(pairs: PairedScores): number {
  return sum([...pairs.values()]);
}

/** The mean of the absolute difference of both scores; null without leads. */
export function meanDifference(pairs: PairedScores): number | null {
  const leads = leadsIn(pairs);
  if (leads === 0) return null;
  let total = 0;
  for (const pair of pairsOf(pairs)) total += pair.leads * Math.abs(pair.champion - pair.challenger);
  return total / leads;
}

/** Spearman's rank correlation, equal scores with their mean rank. Null where one side gives all leads one score. */
export function rankCorrelation(pairs: PairedScores): number | null {
  const [champion, challenger] = [zeroes(), zeroes()];
  for (const pair of pairsOf(pairs)) {
    champion[pair.champion]! += pair.leads;
    challenger[pair.challenger]! += pair.leads;
  }
  const [x, y] = [meanRanks(champion), meanRanks(challenger)];
  const middle = (leadsIn(pairs) + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (const pair of pairsOf(pairs)) {
    const [a, b] = [x[pair.champion]! - middle, y[pair.challenger]! - middle];
    xy += pair.leads * a * b;
    xx += pair.leads * a * a;
    yy += pair.leads * b * b;
  }
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}

/** The mean rank of the leads with each score, from 1. */
function meanRanks(counts: number[]): number[] {
  let below = 0;
  return counts.map((leads) => {
    const rank = below + (leads + 1) / 2;
    below += leads;
    return rank;
  });
}

/** Leads and conversions by both scores. */
export interface PairedOutcomes {
  converted: PairedScores;
  others: PairedScores;
}

/** The counts of one side, as the figures of the report on outcomes want them. */
export function sideOf({ converted, others }: PairedOutcomes, side: 'champion' | 'challenger'): ScoreCounts {
  const counts = noCounts();
  for (const pair of pairsOf(converted)) addCounts(counts, pair[side], pair.leads, pair.leads);
  for (const pair of pairsOf(others)) addCounts(counts, pair[side], pair.leads, 0);
  return counts;
}
