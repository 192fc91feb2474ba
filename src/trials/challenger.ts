import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { missingInInstructions } from '../enrichment/instructions.js';
import { rulesOfRequest, type Ruleset } from '../enrichment/score-by-rules.js';
import type { Config } from '../platform/config/config.js';

export const PROVIDERS = ['heuristic', 'gemini', 'bedrock', 'openai-compatible'] as const;

/**
 * What a scorer has other than the configuration says. What is left out is the configuration's, so `{}` is the scorer
 * of the environment.
 */
export const challengerSchema = z.strictObject({
  provider: z.enum(PROVIDERS).optional().describe('As in AI_PROVIDER. Its key is that of the configuration.'),
  model: z.string().trim().min(1).max(200).optional().describe('Of the provider; a scorer by rules has none.'),
  profile: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('A scoring profile. docs/scoring-profile.schema.json describes it.'),
  instructions: z.string().min(1).max(20_000).optional().describe('The prompt of a model. docs/trials.md shows the parts.'),
});
export type Challenger = z.output<typeof challengerSchema>;

/** What the model of each provider is called in the configuration. */
export const MODEL_VARIABLES = {
  gemini: 'GEMINI_MODEL',
  bedrock: 'BEDROCK_MODEL_ID',
  'openai-compatible': 'OPENAI_COMPATIBLE_MODEL',
} as const satisfies Record<string, keyof Config>;

/**
 * The challenger with what it inherits from the scorer in use, so that a later promotion does not change it.
 * @throws AppError BAD_REQUEST where it cannot be a scorer, or would be the one in use.
 */
export function completeChallenger(given: Challenger, champion: Challenger, config: Config): Challenger {
  const inherited = { ...champion };
  // A model and a prompt belong to their provider.
  if (given.provider !== undefined && given.provider !== providerOf(champion, config)) delete inherited.model;
  const challenger = { ...inherited, ...given };
  const provider = providerOf(challenger, config);
  if (provider === 'heuristic') {
    if (given.model !== undefined || given.instructions !== undefined)
      throw refused('The scorer by rules has no model and no prompt. Name a provider, or leave them out.');
    delete challenger.model;
    delete challenger.instructions;
  }
  rulesIn(challenger);
  const missing = missingInInstructions(challenger.instructions ?? '').join(', ');
  if (challenger.instructions !== undefined && missing !== '')
    throw refused(`The prompt must contain ${missing}. docs/trials.md says what they stand for.`);
  if (sameScorer(challenger, champion, config))
    throw refused('The challenger is the scorer in use. Name another provider, model, profile or prompt.');
  return challenger;
}

export function providerOf(challenger: Challenger, config: Pick<Config, 'AI_PROVIDER'>): string {
  return challenger.provider ?? config.AI_PROVIDER;
}

/** The rules of its profile; null where they are the configuration's. @throws AppError BAD_REQUEST */
export function rulesIn({ profile }: Challenger): Ruleset | null {
  return profile === undefined ? null : rulesOfRequest(profile, 'challenger.profile');
}

function sameScorer(a: Challenger, b: Challenger, config: Config): boolean {
  const key = (each: Challenger) => {
    const provider = providerOf(each, config);
    const variable = MODEL_VARIABLES[provider as keyof typeof MODEL_VARIABLES];
    const model = each.model ?? (variable === undefined ? undefined : config[variable]);
    return JSON.stringify([provider, model, each.profile, each.instructions]);
  };
  return key(a) === key(b);
}

function refused(message: string): AppError {
  return new AppError('BAD_REQUEST', message);
}
