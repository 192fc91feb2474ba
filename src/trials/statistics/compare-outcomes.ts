import { setImmediate as turn } from 'node:timers/promises';
import { intervalOf, poissonFrom, REPLICATES, type Draw } from '../../outcomes/statistics/bootstrap.js';
import type { Interval } from '../../outcomes/statistics/intervals.js';
import { auc, brier } from '../../outcomes/statistics/score-quality.js';
import { totalOf } from '../../outcomes/statistics/score-counts.js';
import { leadsIn, sideOf, type PairedOutcomes, type PairedScores } from './paired-scores.js';

/** Fewer conversions, or fewer leads without one, say nothing about a difference. */
export const LEAST_OF_EACH = 50;
/** Replicates between which other work of the process gets a turn: some milliseconds. */
const SLICE = 25;

export type Verdict = 'better' | 'worse' | 'no difference shown' | 'not enough outcomes';

export interface Difference extends Interval {
  value: number;
}

/** Both sides on the same leads. A difference is the challenger's figure less the champion's. */
export interface OutcomeComparison {
  leads: number;
  conversions: number;
  verdict: Verdict;
  auc: { champion: number; challenger: number; difference: Difference } | null;
  brier: { champion: number; challenger: number; difference: Difference } | null;
}

/**
 * Which side ranks the leads better that converted. The interval is a paired bootstrap: each replicate draws leads
 * with both of their scores, so that what is hard about a lead is hard for both sides.
 */
export async function compareOutcomes(outcomes: PairedOutcomes): Promise<OutcomeComparison> {
  const sides = { champion: sideOf(outcomes, 'champion'), challenger: sideOf(outcomes, 'challenger') };
  const { leads, conversions } = totalOf(sides.champion);
  if (Math.min(conversions, leads - conversions) < LEAST_OF_EACH)
    return { leads, conversions, verdict: 'not enough outcomes', auc: null, brier: null };
  const draw = poissonFrom();
  const differences: { auc: number[]; brier: number[] } = { auc: [], brier: [] };
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    if (replicate % SLICE === 0) await turn();
    const sample = { converted: resampled(outcomes.converted, draw), others: resampled(outcomes.others, draw) };
    const [champion, challenger] = [sideOf(sample, 'champion'), sideOf(sample, 'challenger')];
    const [before, after] = [auc(champion), auc(challenger)];
    if (before === null || after === null) continue;
    differences.auc.push(after - before);
    differences.brier.push(brier(challenger)! - brier(champion)!);
  }
  const figure = (of: typeof auc | typeof brier, values: number[]) => {
    const [champion, challenger] = [of(sides.champion)!, of(sides.challenger)!];
    const interval = intervalOf(values);
    return interval && { champion, challenger, difference: { value: challenger - champion, ...interval } };
  };
  const ofAuc = figure(auc, differences.auc);
  return { leads, conversions, verdict: verdictOf(ofAuc?.difference), auc: ofAuc, brier: figure(brier, differences.brier) };
}

function verdictOf(difference: Interval | undefined): Verdict {
  if (!difference) return 'not enough outcomes';
  if (difference.low > 0) return 'better';
  return difference.high < 0 ? 'worse' : 'no difference shown';
}

function resampled(pairs: PairedScores, draw: Draw): PairedScores {
  const sample: PairedScores = new Map();
  for (const [cell, leads] of pairs) {
    const drawn = draw(leads);
    if (drawn > 0) sample.set(cell, drawn);
  }
  return sample;
}

/** Whether there are enough outcomes for a comparison. */
export function isEnough({ converted, others }: PairedOutcomes): boolean {
  return Math.min(leadsIn(converted), leadsIn(others)) >= LEAST_OF_EACH;
}
