import { describe, expect, it } from 'vitest';
import { AiCosts, type AiCost } from './ai-spend.js';

const one = { provider: 'gemini', model: 'm', inputTokens: 100, outputTokens: 10, costUsd: 0.25 };

describe('what the models cost', () => {
  it('is summed per model, calls without a score included', async () => {
    const costs = new AiCosts();
    costs.add(one, 1);
    costs.add(one, 1);
    costs.add({ ...one, model: 'other' }, 0);
    const written: AiCost[] = [];
    await costs.save(async (rows) => void written.push(...rows));
    await costs.save(async (rows) => void written.push(...rows)); // nothing is left
    expect(written).toEqual([
      { ...one, scorings: 2, inputTokens: 200, outputTokens: 20, costUsd: 0.5 },
      { ...one, model: 'other', scorings: 0 },
    ]);
  });

  it('is kept where it could not be written', async () => {
    const costs = new AiCosts();
    costs.add(one, 1);
    const away = costs.save(async () => {
      throw new Error('away');
    });
    costs.add(one, 1);
    await expect(away).rejects.toThrow('away');
    const written: AiCost[] = [];
    await costs.save(async (rows) => void written.push(...rows));
    expect(written).toEqual([{ ...one, scorings: 2, inputTokens: 200, outputTokens: 20, costUsd: 0.5 }]);
  });
});
