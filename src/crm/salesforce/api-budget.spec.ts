import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { ApiBudget, widenedWindow } from './api-budget.js';

function open() {
  let now = 1_000_000;
  const seen: number[] = [];
  const budget = new ApiBudget({
    slowAt: 0.8,
    stopAt: 0.95,
    slaMs: 300_000,
    lookAgainMs: 300_000,
    clock: { now: () => now },
    logger: pino({ level: 'silent' }),
    observe: (ratio) => seen.push(ratio),
  });
  return { budget, seen, later: (ms: number) => (now += ms) };
}

describe("the org's budget of API calls", () => {
  it('stops before the last call, says for how long, and looks again', async () => {
    const { budget, seen, later } = open();
    await budget.spend();
    budget.learn('api-usage=96/100');
    await expect(budget.spend()).rejects.toMatchObject({ code: 'CRM_DAILY_LIMIT_REACHED', retryAfterMs: 300_000 });
    later(299_000);
    await expect(budget.spend()).rejects.toMatchObject({ retryAfterMs: 1000 });
    later(1000);
    await budget.spend(); // one look
    await expect(budget.spend()).rejects.toMatchObject({ code: 'CRM_DAILY_LIMIT_REACHED' });
    budget.learn('api-usage=10/100'); // the window has rolled
    await budget.spend();
    expect(seen).toEqual([0.96, 0.1]);
  });

  it('slows down before that', async () => {
    const { budget } = open();
    budget.learn('api-usage=81/100; per-app-api-usage=17/250(appName=x)');
    const began = performance.now();
    await budget.spend();
    expect(performance.now() - began).toBeGreaterThan(100);
  });

  it('lets batches wait longer, the more of it is used', () => {
    const { budget } = open();
    expect(budget.widened(25)).toBe(25);
    budget.learn('api-usage=10/100');
    expect(budget.widened(25)).toBe(25);
    budget.learn('api-usage=30/100'); // half of the way, by factors
    expect(budget.widened(25)).toBeCloseTo(Math.sqrt(25 * 5000), 0);
    budget.learn('api-usage=60/100');
    expect(budget.widened(25)).toBeCloseTo(5000, 6);
    expect(budget.widened(8000)).toBe(8000);
    expect(budget.widened(0)).toBe(0);
  });

  it('never narrows a window, never widens it beyond a sixtieth of the SLA, and never falls as more is used', () => {
    const ratio = fc.double({ min: 0, max: 1.2, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), ratio, ratio, fc.integer({ min: 1, max: 3600 }), (ms, a, b, sla) => {
        const of = (used: number) => widenedWindow(ms, used, sla * 1000);
        const [less, more] = [of(Math.min(a, b)), of(Math.max(a, b))];
        expect(less).toBeGreaterThanOrEqual(ms);
        expect(more).toBeLessThanOrEqual(Math.max(ms, (sla * 1000) / 60) + 1e-6);
        expect(more).toBeGreaterThanOrEqual(less - 1e-6);
      }),
    );
  });

  it('takes an answer without the header for what it is', async () => {
    const { budget, seen } = open();
    budget.learn(null);
    budget.learn('nonsense');
    await budget.spend();
    expect(seen).toEqual([]);
  });
});
