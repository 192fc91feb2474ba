import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureStreak } from './failure-streak.js';

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

describe('FailureStreak', () => {
  it('reports an outage after five failures in a row', () => {
    const streak = new FailureStreak();
    expect([1, 2, 3, 4, 5].map((at) => streak.failed(at))).toEqual([false, false, false, false, true]);
  });

  it('reports one after three while the stage recovers', () => {
    const streak = new FailureStreak();
    expect([1, 2, 3].map((at) => streak.failed(at, true))).toEqual([false, false, true]);
  });

  it('reports an outage where four fifths of the calls of the last seconds failed', () => {
    const streak = new FailureStreak();
    const verdicts = Array.from({ length: 11 }, (_, at) => {
      if (at % 5 === 4) streak.succeeded(at);
      return at % 5 !== 4 && streak.failed(at);
    });
    expect(verdicts.slice(0, 10)).toEqual(Array(10).fill(false));
    expect(verdicts[10]).toBe(true);
  });

  it('reports an outage in the midst of a partial outage once its rate does not explain the failures in a row', () => {
    const streak = new FailureStreak();
    const downAfter = (calls: number) => {
      for (let failures = 1; failures <= calls; failures++) if (streak.failed(100)) return failures;
      return null;
    };
    for (let at = 0; at < 50; at++) {
      if (at % 2 === 0) streak.failed(at);
      else streak.succeeded(at);
    }
    expect(downAfter(100)).toBe(20);
    streak.reset();
    for (let at = 0; at < 50; at++) streak.succeeded(at);
    expect(downAfter(100)).toBe(5);
  });

  it.each([0.05, 0.2, 0.5])('reports none where %d of the calls fail at random', (rate) => {
    const seeds = fc.integer({ min: 1, max: 2 ** 31 });
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = seededRandom(seed);
        const streak = new FailureStreak();
        // Before its failure rate is known, a downstream that begins to fail may count as down.
        for (let at = 0; at < 100; at++) {
          if (Math.floor(at * rate) < Math.floor((at + 1) * rate)) streak.failed(at);
          else streak.succeeded(at);
        }
        let outages = 0;
        for (let at = 100; at < 2000; at++) {
          if (random() >= rate) streak.succeeded(at);
          else if (streak.failed(at)) {
            outages++;
            streak.reset();
          }
        }
        expect(outages).toBeLessThanOrEqual(1);
      }),
      { seed: 17, numRuns: 50 },
    );
  });

  it('reports none where most calls succeed, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 10 }), fc.integer({ min: 1, max: 500 }), (every, calls) => {
        const streak = new FailureStreak();
        for (let at = 1; at <= calls; at++) {
          if (at % every === 0) expect(streak.failed(at)).toBe(false);
          else streak.succeeded(at);
        }
      }),
    );
  });

  it('ignores old failures', () => {
    const streak = new FailureStreak();
    for (let at = 0; at < 9; at++) {
      if (at % 4 === 3) streak.succeeded(at);
      else streak.failed(at);
    }
    streak.succeeded(60_000);
    expect(streak.failed(60_001)).toBe(false);
  });
});
