import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { untilQuotaReset } from './quota-day.js';

const HOUR = 3_600_000;
const CHICAGO = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Chicago', timeStyle: 'medium' });

describe('the end of the quota', () => {
  it.each([
    ['2026-11-27T06:30:00Z', 23.5],
    ['2026-11-27T05:59:00Z', 1 / 60],
    ['2026-07-01T12:00:00Z', 17],
    // Days on which the clock changes have 25 and 23 hours.
    ['2026-11-01T05:30:00Z', 24.5],
    ['2026-03-08T06:30:00Z', 22.5],
    // Soon after midnight the answer may be of the day before: it is asked again, and no day is lost.
    ['2026-11-27T06:00:00Z', 1 / 12],
    ['2026-11-01T05:29:59Z', 1 / 12],
  ])('after %s is %d hours away', (at, hours) => {
    expect(untilQuotaReset(Date.parse(at))).toBe(Math.round(hours * HOUR));
  });

  it('is always a midnight in Chicago, within 25 hours, but for the first half hour of a day', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2035-01-01') }), (at) => {
        const left = untilQuotaReset(at);
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(25 * HOUR);
        if (/^00:[0-2]/.test(CHICAGO.format(at))) expect(left).toBe(HOUR / 12);
        else expect(CHICAGO.format(at + left)).toBe('00:00:00');
      }),
    );
  });
});
