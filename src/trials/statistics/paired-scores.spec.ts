import fc from 'fast-check';
import { randomLcg, randomNormal } from 'd3-random';
import { describe, expect, inject, it } from 'vitest';
import { compareOutcomes } from './compare-outcomes.js';
import { addPair, leadsIn, meanDifference, rankCorrelation, sideOf, type PairedScores } from './paired-scores.js';

const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 })), {
  minLength: 2,
  maxLength: 60,
});

function cellsOf(list: [number, number][]): PairedScores {
  const cells: PairedScores = new Map();
  for (const [champion, challenger] of list) addPair(cells, champion, challenger);
  return cells;
}

/** Pearson's correlation of the ranks, lead by lead: the definition. */
function spearmanByDefinition(list: [number, number][]): number | null {
  const ranks = (values: number[]) =>
    values.map(
      (value) => values.filter((other) => other < value).length + (values.filter((other) => other === value).length + 1) / 2,
    );
  const [x, y] = [ranks(list.map(([a]) => a)), ranks(list.map(([, b]) => b))];
  const mean = (list.length + 1) / 2;
  const product = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + (value - mean) * (b[index]! - mean), 0);
  const [xx, yy] = [product(x, x), product(y, y)];
  return xx === 0 || yy === 0 ? null : product(x, y) / Math.sqrt(xx * yy);
}

describe('the figures of an agreement', () => {
  it('are those of the leads one by one', () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const cells = cellsOf(list);
        const expected = spearmanByDefinition(list);
        const found = rankCorrelation(cells);
        expect(leadsIn(cells)).toBe(list.length);
        expect(meanDifference(cells)).toBeCloseTo(list.reduce((sum, [a, b]) => sum + Math.abs(a - b), 0) / list.length, 9);
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 9);
      }),
    );
  });

  it('are those that SciPy gives (spearmanr)', () => {
    expect(
      rankCorrelation(
        cellsOf([
          [1, 5],
          [2, 6],
          [3, 7],
          [4, 8],
          [5, 7],
        ]),
      ),
    ).toBeCloseTo(0.8207826816681233, 12);
    expect(
      rankCorrelation(
        cellsOf([
          [10, 90],
          [20, 80],
          [30, 70],
        ]),
      ),
    ).toBeCloseTo(-1, 12);
    expect(rankCorrelation(new Map())).toBeNull();
  });

  it('keep both sides of each lead', () => {
    const counts = sideOf(
      {
        converted: cellsOf([[10, 90]]),
        others: cellsOf([
          [10, 20],
          [30, 20],
        ]),
      },
      'challenger',
    );
    expect([counts.leads[20], counts.leads[90], counts.conversions[90]]).toEqual([2, 1, 1]);
  });
});

describe('a comparison with outcomes', () => {
  /** 400 leads of which a quarter converts; one side separates them with the given share of mistakes. */
  function outcomes(championMistakes: number, challengerMistakes: number) {
    const converted: PairedScores = new Map();
    const others: PairedScores = new Map();
    for (let lead = 0; lead < 400; lead++) {
      const isConverted = lead % 4 === 0;
      const score = (mistakes: number) => ((lead >> 2) % 100 < mistakes * 100 ? (isConverted ? 20 : 80) : isConverted ? 80 : 20);
      addPair(isConverted ? converted : others, score(championMistakes), score(challengerMistakes));
    }
    return { converted, others };
  }

  it.each([
    ['better', 0.4, 0.1],
    ['worse', 0.1, 0.4],
    ['no difference shown', 0.2, 0.2],
  ])('is %s where the mistakes are %d and %d', async (verdict, champion, challenger) => {
    const compared = await compareOutcomes(outcomes(champion, challenger));
    expect(compared).toMatchObject({ leads: 400, conversions: 100, verdict });
    const { auc } = compared;
    expect(auc!.difference.value).toBeCloseTo(champion - challenger, 9);
    expect(auc!.difference.low).toBeLessThanOrEqual(auc!.difference.value);
    expect(auc!.difference.high).toBeGreaterThanOrEqual(auc!.difference.value);
  });

  it('says nothing where few leads converted', async () => {
    const few = { converted: cellsOf([[10, 90]]), others: cellsOf(Array.from({ length: 400 }, () => [10, 20])) };
    expect(await compareOutcomes(few)).toMatchObject({ verdict: 'not enough outcomes', auc: null });
  });

  /** At least 95 of 100; the short run allows the same share of fewer. */
  const SEEDS = inject('full') ? 100 : 4;
  const LEADS = 1500;

  /** Leads with known probabilities of conversion. The noise is what a side's scores have beside the truth. */
  function sampled(seed: number, championNoise: number, challengerNoise: number) {
    const random = randomLcg(seed);
    const normal = randomNormal.source(random)();
    const converted: PairedScores = new Map();
    const others: PairedScores = new Map();
    for (let lead = 0; lead < LEADS; lead++) {
      const truth = normal();
      const score = (noise: number) => Math.min(100, Math.max(0, 5 * Math.round(10 + 3 * (truth + noise * normal()))));
      const isConverted = random() < 1 / (1 + Math.exp(2 - 2 * truth));
      addPair(isConverted ? converted : others, score(championNoise), score(challengerNoise));
    }
    return { converted, others };
  }

  it.each([
    ['better', 1, 0.3],
    ['worse', 1, 2.5],
    ['no difference shown', 1, 1],
  ])('is %s in at least 95 of 100 seeds where the noise is %d and %d', async (verdict, champion, challenger) => {
    let times = 0;
    for (let seed = 1; seed <= SEEDS; seed++)
      times += Number((await compareOutcomes(sampled(seed / (SEEDS + 1), champion, challenger))).verdict === verdict);
    expect(times).toBeGreaterThanOrEqual(SEEDS * 0.95);
  });
});
