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
  /** It asks nobody and costs nothing, so there is no rate to keep, no line to wait in and no outage to ride out. */
  readonly local?: boolean;
  /**
   * Scores one lead.
   * @param wasted is told of each call that was paid for in vain, whether another scorer's answer came of it or an
   * error.
   * @throws AppError with an AI_… code; anything else counts as UNEXPECTED.
   */
  score(lead: LeadContent, signal: AbortSignal, wasted?: (call: WastedCall) => void): Promise<Enrichment>;
  /** Forgets what it remembers of leads, where it does: a person was erased. */
  forget?(): void;
}
