import type { Config } from '../platform/config/config.js';
import type { EnrichmentProvider } from './port.js';
import { WithSecondary } from './fallback.provider.js';
import type { Ruleset } from './score-by-rules.js';

/** What a scorer has other than the configuration says. */
export interface ScorerParts {
  /** Instead of those of SCORING_PROFILE. */
  rules?: Ruleset | undefined;
  /** Instead of the prompt that ships; a scorer by rules has none. */
  instructions?: string | undefined;
}

/** Every scorer, by its name in AI_PROVIDER. The folder is loaded only when it is chosen. */
export const AI_PROVIDERS: Record<string, (config: Config, parts?: ScorerParts) => Promise<EnrichmentProvider>> = {
  heuristic: async (config, { rules } = {}) => (await import('./score-by-rules.js')).openHeuristic(config, rules),
  gemini: async (config, parts = {}) =>
    (await import('./gemini/gemini.provider.js')).openGemini(config, await rulesFor(config, parts), parts.instructions),
  bedrock: async (config, parts = {}) =>
    (await import('./bedrock/bedrock.provider.js')).openBedrock(config, await rulesFor(config, parts), parts.instructions),
  'openai-compatible': async (config, parts = {}) =>
    (await import('./openai-compatible/openai-compatible.provider.js')).openOpenAiCompatible(
      config,
      await rulesFor(config, parts),
      parts.instructions,
    ),
};

async function rulesFor(config: Config, { rules }: ScorerParts): Promise<Ruleset> {
  return rules ?? (await import('./score-by-rules.js')).loadRules(config.SCORING_PROFILE);
}

/** The scorer of AI_PROVIDER, with that of AI_FALLBACK_PROVIDER behind it where there is one. */
export async function openScorer(config: Config, parts: ScorerParts = {}): Promise<EnrichmentProvider> {
  const first = await AI_PROVIDERS[config.AI_PROVIDER]!(config, parts);
  const second = config.AI_FALLBACK_PROVIDER;
  return second === undefined || second === config.AI_PROVIDER
    ? first
    : new WithSecondary(first, await AI_PROVIDERS[second]!(config, parts));
}

/** The longest that one scoring may take: each of the scorers keeps to AI_TIMEOUT_MS by itself. */
export function scoringTimeoutMs(config: Config): number {
  return config.AI_TIMEOUT_MS * (config.AI_FALLBACK_PROVIDER === undefined ? 1 : 2);
}
