import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ApiBudget } from './api-budget.js';

function open() {
  let now = 1_000_000;
  const seen: number[] = [];
  const budget = new ApiBudget({
    slowAt: 0.8,
    stopAt: 0.95,
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
    await expect(budget.spend()).rejects.toMatchObject({ code: 'CRM_RATE_LIMITED', retryAfterMs: 300_000 });
    later(299_000);
    await expect(budget.spend()).rejects.toMatchObject({ retryAfterMs: 1000 });
    later(1000);
    await budget.spend(); // one look
    await expect(budget.spend()).rejects.toMatchObject({ code: 'CRM_RATE_LIMITED' });
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

  it('takes an answer without the header for what it is', async () => {
    const { budget, seen } = open();
    budget.learn(null);
    budget.learn('nonsense');
    await budget.spend();
    expect(seen).toEqual([]);
  });
});
