import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCounts, noCounts, totalOf, type ScoreCounts } from '../statistics/score-counts.js';
import { fitIsotonicCalibrator, fitPlatt, probabilityOf, type Calibrator } from './calibrator.js';
import { chooseCalibrator } from './choose-calibrator.js';
import { fitIsotonic, interpolate, knotsOf } from './isotonic.js';
import { fitSigmoid, sigmoidAt } from './platt.js';

describe("scikit-learn's published values", () => {
  it("are met by Platt's sigmoid", () => {
    // sklearn/tests/test_calibration.py, test_sigmoid_calibration: the coefficients of LibSVM.
    const { a, b } = fitSigmoid([
      { x: 5, positives: 1, negatives: 0 },
      { x: -4, positives: 0, negatives: 1 },
      { x: 1, positives: 0, negatives: 1 },
    ]);
    expect(a).toBeCloseTo(-0.20261354391187855, 3);
    expect(b).toBeCloseTo(0.65236314980010512, 3);
  });

  it.each([
    // sklearn/tests/test_isotonic.py, test_isotonic_regression
    [
      [3, 7, 5, 9, 8, 7, 10],
      [3, 6, 6, 8, 8, 8, 10],
    ],
    [
      [10, 0, 2],
      [4, 4, 4],
    ],
  ])('are met by isotonic regression of %j', (given, expected) => {
    expect(fitIsotonic(given.map((y, x) => ({ x, y, weight: 1 })))).toEqual(expected);
  });

  it('are met where points have weights, worked out by hand', () => {
    // 0.5 and 0.2 pool to (2·0.5 + 3·0.2) / 5; 0.9 and 0.6 to 0.75; 0.4 stays between them.
    const points = [
      [0.5, 2],
      [0.2, 3],
      [0.4, 1],
      [0.9, 4],
      [0.6, 4],
    ].map(([y, weight], x) => ({ x, y: y!, weight: weight! }));
    expect(fitIsotonic(points).map((y) => y.toFixed(6))).toEqual(['0.320000', '0.320000', '0.400000', '0.750000', '0.750000']);
  });

  it('are met where values are tied', () => {
    // test_isotonic_regression_ties_min: x = [1, 1, 2, 3, 4, 5], y = [1, 2, 3, 4, 5, 6]; the first two are one point
    // here.
    const points = [{ x: 1, y: 1.5, weight: 2 }, ...[2, 3, 4, 5].map((x) => ({ x, y: x + 1, weight: 1 }))];
    expect(fitIsotonic(points)).toEqual([1.5, 3, 4, 5, 6]);
  });
});

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

const ALL_SCORES = Array.from({ length: 101 }, (_, score) => score);
const curveOf = (calibrator: Calibrator) => ALL_SCORES.map((score) => probabilityOf(calibrator, score));

describe('a calibrator', () => {
  it('never falls as the score rises, and stays a probability', () => {
    fc.assert(
      fc.property(someCounts, (counts) => {
        for (const calibrator of [fitPlatt(counts), fitIsotonicCalibrator(counts)]) {
          if (!calibrator) continue;
          const curve = curveOf(calibrator);
          expect(curve.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(curve.every((p, score) => score === 0 || p >= curve[score - 1]! - 1e-12)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the mean where it is isotonic, but for the limits of certainty', () => {
    fc.assert(
      fc.property(someCounts, (counts) => {
        const { leads, conversions } = totalOf(counts);
        const calibrator = fitIsotonicCalibrator(counts);
        const mean = ALL_SCORES.reduce((sum, score) => sum + counts.leads[score]! * probabilityOf(calibrator, score), 0);
        expect(Math.abs(mean - conversions)).toBeLessThanOrEqual(leads / (leads + 2) + 1e-6);
      }),
      { numRuns: 200 },
    );
  });

  it('knows no certainty, and is linear between the points that it has', () => {
    const counts = noCounts();
    addCounts(counts, 20, 10, 0);
    addCounts(counts, 80, 10, 10);
    const calibrator = fitIsotonicCalibrator(counts);
    const [low, high] = [1 / 22, 21 / 22];
    expect([0, 20, 50, 80, 100].map((score) => probabilityOf(calibrator, score))).toEqual([
      low,
      low,
      expect.closeTo((low + high) / 2, 9) as number,
      high,
      high,
    ]);
    expect(
      interpolate(
        knotsOf(
          [1, 2, 3].map((x) => ({ x, y: 1, weight: 1 })),
          [1, 1, 1],
        ),
        9,
      ),
    ).toBe(1);
    const sure = fitSigmoid([{ x: 1, positives: 3, negatives: 0 }]);
    expect(sigmoidAt(sure, 1)).toBeLessThan(1);
  });
});

describe('the choice of a calibrator', () => {
  /** Leads over all scores that convert with the given probability, exactly. */
  function exactly(each: number, probability: (score: number) => number): ScoreCounts {
    const counts = noCounts();
    for (const score of ALL_SCORES) addCounts(counts, score, each, Math.round(each * probability(score)));
    return counts;
  }
  const logistic = (score: number) => 0.4 / (1 + Math.exp(-(score - 60) / 12));
  const stairs = (score: number) => (score < 50 ? 0.02 : score < 80 ? 0.2 : 0.6);

  it('is none below 100 conversions, or without leads that did not convert', () => {
    const few = chooseCalibrator({ earlier: exactly(5, stairs), later: noCounts() });
    expect(few).toMatchObject({ chosen: null, reason: expect.stringContaining('at least 100') as string });
    expect(chooseCalibrator({ earlier: exactly(50, () => 1), later: exactly(50, () => 1) }).chosen).toBeNull();
  });

  it('is isotonic for stairs, by the later leads, and better than the raw score', () => {
    const { chosen } = chooseCalibrator({ earlier: exactly(100, stairs), later: exactly(50, stairs) });
    expect(chosen!.calibrator.method).toBe('isotonic');
    const { isotonic, platt, raw, baseRate } = chosen!.outOfTime;
    expect(isotonic!).toBeLessThan(platt!);
    expect(isotonic!).toBeLessThan(Math.min(raw, baseRate));
    expect(probabilityOf(chosen!.calibrator, 90)).toBeCloseTo(0.6, 2);
  });

  it('is Platt where there are too few leads for isotonic', () => {
    const { chosen } = chooseCalibrator({ earlier: exactly(6, logistic), later: exactly(3, logistic) });
    expect(chosen!.calibrator.method).toBe('platt');
    expect(chosen!.outOfTime.isotonic).toBeUndefined();
  });

  it('is none where higher scores convert less often', () => {
    const falling = exactly(8, (score) => 0.6 - score / 200);
    expect(chooseCalibrator({ earlier: falling, later: falling })).toMatchObject({
      chosen: null,
      reason: expect.stringContaining('less often') as string,
    });
  });
});
