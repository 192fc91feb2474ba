import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepeatBudget } from './repeat-budget.js';

const takenOf = (budget: RepeatBudget, tries: number) =>
  Array.from({ length: tries }, () => budget.take()).filter(Boolean).length;

describe('RepeatBudget', () => {
  it('allows nothing before the first success, and ten repeats at once after it', () => {
    const budget = new RepeatBudget({ now: () => 0 });
    expect(takenOf(budget, 5)).toBe(0);
    budget.succeeded();
    expect(takenOf(budget, 50)).toBe(10);
  });

  it('allows nothing after ten failures in a row, until a call succeeds', () => {
    let now = 0;
    const budget = new RepeatBudget({ now: () => now });
    budget.succeeded();
    for (let failures = 0; failures < 10; failures++) budget.failed();
    now = 3_600_000;
    expect(budget.take()).toBe(false);
    budget.succeeded();
    expect(budget.take()).toBe(true);
  });

  it('never allows more than a fifth of the successes, five a second and ten', () => {
    const steps = fc.array(fc.oneof(fc.constantFrom('success', 'failure', 'take'), fc.integer({ min: 0, max: 3000 })));
    fc.assert(
      fc.property(steps, (acts) => {
        let now = 0;
        let successes = 0;
        let repeats = 0;
        const budget = new RepeatBudget({ now: () => now });
        for (const act of acts) {
          if (typeof act === 'number') now += act;
          else if (act === 'failure') budget.failed();
          else if (act === 'take') repeats += Number(budget.take());
          else {
            budget.succeeded();
            successes++;
          }
        }
        expect(repeats).toBeLessThanOrEqual(10 + (now / 1000) * 5 + successes * 0.2 + 1e-6);
      }),
    );
  });
});
