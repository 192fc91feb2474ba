import type { Config } from '../platform/config/config.js';
import type { EnrichmentProvider } from './port.js';
import { WithSecondary } from './fallback.provider.js';

/** Every scorer, by its name in AI_PROVIDER. The folder is loaded only when it is chosen. */
export const AI_PROVIDERS: Record<string, (config: Config) => Promise<EnrichmentProvider>> = {
  heuristic: async (config) => (await import('./score-by-rules.js')).openHeuristic(config),
  gemini: async (config) => (await import('./gemini/gemini.provider.js')).openGemini(config, await rulesFor(config)),
  bedrock: async (config) => (await import('./bedrock/bedrock.provider.js')).openBedrock(config, await rulesFor(config)),
  'openai-compatible': async (config) =>
    (await import('./openai-compatible/openai-compatible.provider.js')).openOpenAiCompatible(config, await rulesFor(config)),
};

async function rulesFor(config: Config) {
  return (await import('./score-by-rules.js')).loadRules(config.SCORING_PROFILE);
}

/** The scorer of AI_PROVIDER, with that of AI_FALLBACK_PROVIDER behind it where there is one. */
export async function openScorer(config: Config): Promise<EnrichmentProvider> {
  const first = await AI_PROVIDERS[config.AI_PROVIDER]!(config);
  const second = config.AI_FALLBACK_PROVIDER;
  return second === undefined ? first : new WithSecondary(first, await AI_PROVIDERS[second]!(config));
}

/** The longest that one scoring may take: each of the scorers keeps to AI_TIMEOUT_MS by itself. */
export function scoringTimeoutMs(config: Config): number {
  return config.AI_TIMEOUT_MS * (config.AI_FALLBACK_PROVIDER === undefined ? 1 : 2);
}
