import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepsOf } from './waterfall.js';

const reason = fc.record({
  signal: fc.string({ minLength: 1 }),
  polarity: fc.constantFrom('positive' as const, 'negative' as const),
  points: fc.integer({ min: -50, max: 50 }),
});

describe('the waterfall of a score', () => {
  it('goes from 0 to the total without a gap, whatever the evidence says', () => {
    fc.assert(
      fc.property(fc.array(reason, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 100 }), (evidence, total) => {
        const steps = stepsOf(evidence, total)!;
        expect([steps[0]!.from, steps.at(-1)!.to]).toEqual([0, total]);
        for (const [index, step] of steps.entries()) expect(step.from).toBe(steps[index - 1]?.to ?? 0);
      }),
    );
  });

  it('has one step per reason where the points sum to the score, and names what is missing where they do not', () => {
    const evidence = [
      { signal: 'base score', polarity: 'neutral' as const, points: 30 },
      { signal: 'VP', polarity: 'positive' as const, points: 12 },
    ];
    expect(stepsOf(evidence, 42)!.map(({ signal }) => signal)).toEqual(['base score', 'VP']);
    expect(stepsOf(evidence, 50)!.at(-1)).toEqual({ signal: 'not explained by the reasons', points: 8, from: 42, to: 50 });
  });

  it('has none where a model gave reasons without points', () => {
    expect(stepsOf([{ signal: 'asks for a demo', polarity: 'positive' }], 70)).toBeNull();
  });
});
