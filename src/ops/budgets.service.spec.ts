import { describe, expect, it } from 'vitest';
import { BudgetsService } from './budgets.service.js';

const cost = {
  day: '2026-11-27',
  provider: 'gemini',
  model: 'm',
  scorings: 9,
  inputTokens: 7000,
  outputTokens: 1000,
  costUsd: 0.126,
};

function budgetsOf(env: { AI_DAILY_TOKEN_BUDGET?: number }, costs: object[], usage: { api: string; share: number }[]) {
  const flow = { costsOf: async () => costs, apiUsage: async () => usage };
  const config = { SALESFORCE_API_SLOW_PERCENT: 80, SALESFORCE_API_STOP_PERCENT: 95, ...env };
  return new BudgetsService(flow as never, config as never).report();
}

describe('the daily budgets', () => {
  it('are none where nothing is limited or used', async () => {
    expect(await budgetsOf({}, [], [])).toEqual([]);
  });

  it('show the tokens of the models beside their limit, with their cost', async () => {
    const [limited] = await budgetsOf({ AI_DAILY_TOKEN_BUDGET: 10_000 }, [cost], []);
    expect(limited).toMatchObject({ share: 0.8, warnFrom: 0.8 });
    expect(limited!.text).toContain('8,000 of 10,000 tokens, about $0.13');
    const [free] = await budgetsOf({}, [cost], []);
    expect(free).toMatchObject({ share: null });
  });

  it("show the CRM's calls with the shares at which the service slows down and stops", async () => {
    const [calls] = await budgetsOf({}, [], [{ api: 'salesforce', share: 0.42 }]);
    expect(calls).toMatchObject({ name: 'API calls of salesforce', share: 0.42, warnFrom: 0.8 });
    expect(calls!.text).toContain('slows down at 80 % and stops at 95 %');
  });
});
