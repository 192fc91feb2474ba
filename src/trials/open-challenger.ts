import { AppError } from '../domain/app-error.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import { openScorer } from '../enrichment/registry.js';
import { missingFor, type Config } from '../platform/config/config.js';
import { MODEL_VARIABLES, providerOf, rulesIn, type Challenger } from './challenger.js';

/**
 * Opens the scorer that a challenger describes. A champion has AI_FALLBACK_PROVIDER behind it; a challenger on trial
 * has nothing, since its errors are its own.
 * @throws AppError CONFIG_INVALID where a setting of the provider is missing.
 */
export async function openChallenger(
  challenger: Challenger,
  config: Config,
  { fallback }: { fallback: boolean },
): Promise<EnrichmentProvider> {
  const provider = providerOf(challenger, config);
  const variable = MODEL_VARIABLES[provider as keyof typeof MODEL_VARIABLES];
  const settings: Config = {
    ...config,
    AI_PROVIDER: provider,
    ...(variable === undefined || challenger.model === undefined ? {} : { [variable]: challenger.model }),
  };
  if (!fallback) delete settings.AI_FALLBACK_PROVIDER;
  const missing = missingFor(provider, settings);
  if (missing.length > 0) throw new AppError('CONFIG_INVALID', `${missing.join(', ')} is required for ${provider}.`);
  return openScorer(settings, { rules: rulesIn(challenger) ?? undefined, instructions: challenger.instructions });
}
