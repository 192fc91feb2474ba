import { describe, expect, it } from 'vitest';
import { ApiQuota } from './api-quota.js';

const HOUR = 3_600_000;

function quotaAt(at: string, usage: { date: string; total: number }[]) {
  const figures = [...usage];
  const clock = { now: Date.parse(at) };
  const quota = new ApiQuota({
    dailyCalls: 50_000,
    stopPercent: 90,
    record: async () => {},
    now: () => clock.now,
    logger: { warn: () => {} },
  });
  const check = () => quota.check({ usage: async () => ({ ...figures.shift()!, users: [] }) });
  return { check, clock, isLow: () => quota.isLow, left: () => figures.length };
}

describe('the calls of the day', () => {
  it.each([
    ['until midnight in Chicago', '2026-11-27T18:00:00Z', '2026-11-27', 12 * HOUR],
    ['for 25 hours less those that have passed, where the clock is set back', '2026-11-01T06:00:00Z', '2026-11-01', 24 * HOUR],
    ['for some minutes soon after midnight', '2026-11-27T06:10:00Z', '2026-11-27', HOUR / 12],
  ])('that are used up stop calls %s', async (_, at, date, retryAfterMs) => {
    const { check } = quotaAt(at, [{ date, total: 45_000 }]);
    await expect(check()).rejects.toMatchObject({ code: 'MARKETO_DAILY_LIMIT_REACHED', retryAfterMs });
  });

  it('are those of today: a figure of the day before, which Marketo may give after midnight, stops nothing', async () => {
    const { check, clock, left } = quotaAt('2026-11-27T06:40:00Z', [
      { date: '2026-11-26', total: 50_000 },
      { date: '2026-11-27', total: 45_000 },
    ]);
    await check();
    clock.now += 14 * 60_000;
    await check();
    expect(left()).toBe(1);
    clock.now += 60_000;
    await expect(check()).rejects.toMatchObject({ code: 'MARKETO_DAILY_LIMIT_REACHED' });
  });

  it('are low from four fifths of the share on', async () => {
    const { check, isLow } = quotaAt('2026-11-27T18:00:00Z', [{ date: '2026-11-27', total: 36_000 }]);
    await check();
    expect(isLow()).toBe(true);
  });
});
