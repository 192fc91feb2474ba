import { z } from 'zod';
import type { Usage } from '../../domain/enrichment.js';
import source from './prices.json' with { type: 'json' };

const { prices } = z
  .object({ prices: z.array(z.object({ model: z.string(), input: z.number().min(0), output: z.number().min(0) })) })
  .parse(source);

const MILLION = 1_000_000;

/** Tokens and, where the price table knows the model, what they cost. */
export function usageOf(model: string, inputTokens = 0, outputTokens = 0): Usage {
  const price = prices.find((entry) => model.includes(entry.model));
  const tokens = { inputTokens, outputTokens };
  if (!price) return tokens;
  return { ...tokens, costUsd: (inputTokens * price.input + outputTokens * price.output) / MILLION };
}
