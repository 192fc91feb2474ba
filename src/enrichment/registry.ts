import type { Config } from '../platform/config/config.js';
import type { EnrichmentProvider } from './port.js';

/** Every scorer, by its name in AI_PROVIDER. The folder is loaded only when it is chosen. */
export const AI_PROVIDERS: Record<string, (config: Config) => Promise<EnrichmentProvider>> = {
  heuristic: async () => new (await import('./heuristic/heuristic.provider.js')).HeuristicProvider(),
};
