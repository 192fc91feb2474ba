import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapIntervals } from './bootstrap.js';
import { stabilityIndex } from './drift.js';
import { wilson } from './intervals.js';
import { addCounts, equalMassBins, noCounts, totalOf, zeroes, type ScoreCounts } from './score-counts.js';
import { auc, brier, brierParts, calibrationError, lifts, reliability } from './score-quality.js';

/** One lead per score and outcome. */
function countsOf(leads: [score: number, converted: boolean][]): ScoreCounts {
  const counts = noCounts();
  for (const [score, converted] of leads) addCounts(counts, score, 1, converted ? 1 : 0);
  return counts;
}

const someCounts = fc
  .array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((cells) => {
    const counts = noCounts();
    for (const [score, leads, share] of cells) addCounts(counts, score, leads, Math.round(leads * share));
    return counts;
  });

describe('published values', () => {
  it('agree with the ROC AUC of scikit-learn', () => {
    // roc_auc_score's documented example: y = [0, 0, 1, 1], scores = [0.1, 0.4, 0.35, 0.8].
    const leads: [number, boolean][] = [
      [10, false],
      [40, false],
      [35, true],
      [80, true],
    ];
    expect(auc(countsOf(leads))).toBe(0.75);
  });

  it('agree with the Brier score of scikit-learn', () => {
    // brier_score_loss's documented example: y = [0, 1, 1, 0], p = [0.1, 0.9, 0.8, 0.3].
    const leads: [number, boolean][] = [
      [10, false],
      [90, true],
      [80, true],
      [30, false],
    ];
    expect(brier(countsOf(leads))).toBeCloseTo(0.0375, 12);
  });

  it("agree with Newcombe's (1998) examples of Wilson's interval", () => {
    const z = 1.959963984540054;
    for (const [successes, trials, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const interval = wilson(successes, trials, z);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });
});

describe('values worked out by hand', () => {
  /** 20: 1 of 10 leads converted; 50: 6 of 10; 80: 4 of 5. */
  const counts = noCounts();
  addCounts(counts, 20, 10, 1);
  addCounts(counts, 50, 10, 6);
  addCounts(counts, 80, 5, 4);

  it('are met by rank, error and calibration', () => {
    // Of 11 × 14 pairs the converted lead wins 1·9/2 + 6·(9 + 4/2) + 4·(13 + 1/2).
    expect(auc(counts)).toBeCloseTo((4.5 + 66 + 54) / 154, 12);
    // (1·0.64 + 9·0.04 + 10·0.25 + 4·0.04 + 1·0.64) / 25
    expect(brier(counts)).toBeCloseTo(4.3 / 25, 12);
    // Distances 0.1, 0.1 and 0; the mean rate is 0.44.
    expect(brierParts(counts)).toEqual({
      reliability: expect.closeTo((10 * 0.01 + 10 * 0.01) / 25, 12) as number,
      resolution: expect.closeTo((10 * 0.34 ** 2 + 10 * 0.16 ** 2 + 5 * 0.36 ** 2) / 25, 12) as number,
      uncertainty: expect.closeTo(0.44 * 0.56, 12) as number,
    });
    expect(calibrationError(counts)).toBeCloseTo(0.08, 12);
    expect(lifts(counts, [0.2, 0.4]).map(({ conversionShare }) => conversionShare)).toEqual([4 / 11, 7 / 11]);
    expect(wilson(11, 25)).toEqual({
      value: 0.44,
      low: expect.closeTo(0.224907, 5) as number,
      high: expect.closeTo(0.680261, 5) as number,
    });
  });

  it('are met by the stability index', () => {
    // Ten bins of 100; then five of 50 and five of 150. Each share differs by 50/1005.
    const at = (count: (bin: number) => number) =>
      zeroes().map((_, score) => (score % 10 === 5 ? count(Math.floor(score / 10)) : 0));
    const index = (5 * 50 * (Math.log(100.5 / 50.5) + Math.log(150.5 / 100.5))) / 1005;
    expect(
      stabilityIndex(
        at(() => 100),
        at((bin) => (bin < 5 ? 50 : 150)),
      ),
    ).toBeCloseTo(index, 12);
  });
});

describe('figures of counts', () => {
  it('hold their laws for all counts', () => {
    fc.assert(
      fc.property(someCounts, (counts) => {
        const { leads, conversions } = totalOf(counts);
        const parts = brierParts(counts)!;
        expect(parts.reliability - parts.resolution + parts.uncertainty).toBeCloseTo(brier(counts)!, 9);
        const bins = equalMassBins(counts, 10);
        expect(bins.length).toBeLessThanOrEqual(10);
        expect(bins.reduce((sum, bin) => sum + bin.leads, 0)).toBe(leads);
        expect(bins.reduce((sum, bin) => sum + bin.conversions, 0)).toBe(conversions);
        const error = calibrationError(counts)!;
        expect(error).toBeGreaterThanOrEqual(0);
        expect(error).toBeLessThanOrEqual(1);
        // A prediction that is what happened has no error.
        expect(calibrationError(counts, (score) => counts.conversions[score]! / Math.max(1, counts.leads[score]!))).toBeLessThan(
          1e-9,
        );
        for (const { topShare, conversionShare } of lifts(counts)) {
          expect(conversionShare).toBeLessThanOrEqual(1 + 1e-9);
          expect(topShare).toBeGreaterThan(0);
        }
        // Reversed scores rank the other way round.
        const reversed = { leads: counts.leads.toReversed(), conversions: counts.conversions.toReversed() };
        const area = auc(counts);
        if (area !== null) expect(auc(reversed)).toBeCloseTo(1 - area, 9);
      }),
      { numRuns: 200 },
    );
  });

  it('split equally where scores are spread, and never split a score', () => {
    const spread = noCounts();
    for (let score = 0; score < 100; score++) addCounts(spread, score, 7, 1);
    expect(equalMassBins(spread, 10).map(({ from, to, leads }) => [from, to, leads])).toEqual(
      Array.from({ length: 10 }, (_, bin) => [bin * 10, bin * 10 + 9, 70]),
    );
    const lumped = noCounts();
    addCounts(lumped, 30, 90, 5);
    addCounts(lumped, 70, 10, 5);
    expect(equalMassBins(lumped, 10).map(({ to, leads }) => [to, leads])).toEqual([
      [30, 90],
      [70, 10],
    ]);
  });

  it('have no value where one of the outcomes is missing', () => {
    const converted = countsOf([
      [10, true],
      [20, true],
    ]);
    expect([auc(converted), auc(noCounts()), brier(noCounts()), brierParts(noCounts())]).toEqual([null, null, null, null]);
    expect([lifts(noCounts()), reliability(noCounts())]).toEqual([[], []]);
  });

  it('find what the best leads hold, in proportion at the edge', () => {
    const counts = noCounts();
    addCounts(counts, 90, 20, 10);
    addCounts(counts, 10, 80, 10);
    expect(lifts(counts, [0.1, 0.2, 1])).toEqual([
      { topShare: 0.1, conversionShare: 0.25, lift: 2.5 },
      { topShare: 0.2, conversionShare: 0.5, lift: 2.5 },
      { topShare: 1, conversionShare: 1, lift: 1 },
    ]);
  });
});

describe('the bootstrap interval', () => {
  it('is the same each time, holds the figure, and narrows with the number of leads', () => {
    const small = noCounts();
    for (let score = 0; score <= 100; score += 5) addCounts(small, score, 50, Math.round(score / 4));
    const large = { leads: small.leads.map((n) => n * 100), conversions: small.conversions.map((n) => n * 100) };
    const intervalOf = (counts: ScoreCounts) => bootstrapIntervals(counts, [auc])[0]!;
    const [first, second] = [intervalOf(small)!, intervalOf(small)!];
    expect(first).toEqual(second);
    expect(first.low).toBeLessThan(auc(small)!);
    expect(first.high).toBeGreaterThan(auc(small)!);
    const narrow = intervalOf(large)!;
    const ratio = (first.high - first.low) / (narrow.high - narrow.low);
    expect(ratio).toBeGreaterThan(7);
    expect(ratio).toBeLessThan(13);
    expect(intervalOf(noCounts())).toBeNull();
  });
});

describe('the stability index', () => {
  const normal = (mean: number) =>
    noCounts().leads.map((_, score) => Math.round(1000 * Math.exp(-(((score - mean) / 15) ** 2) / 2)));

  it('is near zero for like distributions, grows with the shift, and survives empty bins', () => {
    expect(stabilityIndex(normal(50), normal(50))).toBeCloseTo(0, 6);
    const [small, large] = [stabilityIndex(normal(50), normal(55))!, stabilityIndex(normal(50), normal(80))!];
    expect(small).toBeGreaterThan(0.01);
    expect(large).toBeGreaterThan(1);
    expect(Number.isFinite(stabilityIndex(zeroes().with(100, 5), normal(20))!)).toBe(true);
    expect(stabilityIndex(normal(50), noCounts().leads)).toBeNull();
  });
});
