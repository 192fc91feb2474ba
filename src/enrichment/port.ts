import type { Enrichment, Usage } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';

/** What a call cost that brought no score: the provider answered, and bills it, but the answer was of no use. */
export interface WastedCall {
  provider: string;
  model: string;
  usage: Usage;
}

/** What every scorer implements. A provider is a folder here and a line in registry.ts. */
export interface EnrichmentProvider {
  readonly name: string;
  /** It calls no other system and costs nothing, so it needs no rate limit, no slot and no circuit breaker. */
  readonly local?: boolean;
  /**
   * Scores one lead.
   * @param wasted is called for each call that is billed and gave no score.
   * @throws AppError with an AI_… code; anything else counts as UNEXPECTED.
   */
  score(lead: LeadContent, signal: AbortSignal, wasted?: (call: WastedCall) => void): Promise<Enrichment>;
  /** Clears what it caches of leads, after the erasure of a person. */
  forget?(): void;
}
