import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureStreak } from './circuit-breaker.js';

describe('FailureStreak', () => {
  it('reports an outage after five failures in a row', () => {
    const streak = new FailureStreak();
    expect([1, 2, 3, 4, 5].map((at) => streak.failed(at))).toEqual([false, false, false, false, true]);
  });

  it('reports one after three while the stage recovers', () => {
    const streak = new FailureStreak();
    expect([1, 2, 3].map((at) => streak.failed(at, true))).toEqual([false, false, true]);
  });

  it('reports an outage where most calls of the last seconds failed', () => {
    const streak = new FailureStreak();
    const verdicts = Array.from({ length: 12 }, (_, at) => {
      if (at % 2 === 1) streak.succeeded(at);
      return at % 2 === 0 && streak.failed(at);
    });
    expect(verdicts.slice(0, 9)).toEqual(Array(9).fill(false));
    expect(verdicts[10]).toBe(true);
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
