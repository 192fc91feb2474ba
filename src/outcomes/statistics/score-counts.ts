/** Scores are whole numbers from 0 to this. */
export const MAX_SCORE = 100;
export const SCORES = MAX_SCORE + 1;

/**
 * Leads and conversions by score. Every figure of the report is a function of these 202 numbers, so its memory does not
 * grow with the number of leads.
 */
export interface ScoreCounts {
  /** Leads by score; the index is the score. */
  leads: number[];
  /** Of them, those that converted. */
  conversions: number[];
}

export function noCounts(): ScoreCounts {
  return { leads: zeroes(), conversions: zeroes() };
}

/** One number for each score. */
export function zeroes(): number[] {
  return Array.from({ length: SCORES }, () => 0);
}

export function addCounts(counts: ScoreCounts, score: number, leads: number, conversions: number): void {
  counts.leads[score]! += leads;
  counts.conversions[score]! += conversions;
}

export function totalOf(counts: ScoreCounts): { leads: number; conversions: number } {
  return { leads: sum(counts.leads), conversions: sum(counts.conversions) };
}

/** The sum of two counts. */
export function together(a: ScoreCounts, b: ScoreCounts): ScoreCounts {
  const plus = (x: number[], y: number[]) => x.map((value, score) => value + y[score]!);
  return { leads: plus(a.leads, b.leads), conversions: plus(a.conversions, b.conversions) };
}

/** Leads whose score lies in a range, both ends included. */
export interface ScoreBin {
  from: number;
  to: number;
  leads: number;
  conversions: number;
}

export function binOf(counts: ScoreCounts, from: number, to: number): ScoreBin {
  const part = (values: number[]) => sum(values.slice(from, to + 1));
  return { from, to, leads: part(counts.leads), conversions: part(counts.conversions) };
}

/**
 * Bins with about the same number of leads, the lowest scores first. A score is never split, so there are fewer bins
 * than `count` where many leads have the same score.
 */
export function equalMassBins(counts: ScoreCounts, count: number): ScoreBin[] {
  const { leads: all } = totalOf(counts);
  const bins: ScoreBin[] = [];
  let [from, seen, next] = [0, 0, 1];
  for (let score = 0; score < SCORES; score++) {
    seen += counts.leads[score]!;
    if (counts.leads[score] === 0 || seen * count < all * next) continue;
    bins.push(binOf(counts, from, score));
    from = score + 1;
    // A frequent score may fill several bins.
    next = Math.floor((seen * count) / all) + 1;
  }
  return bins;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
