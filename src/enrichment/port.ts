import type { Enrichment } from '../lead/enrichment.js';
import type { LeadContent } from '../lead/lead.js';

/** What every scorer implements. A provider is a folder here and a line in registry.ts. */
export interface EnrichmentProvider {
  readonly name: string;
  /** It asks nobody and costs nothing, so there is no rate to keep, no line to wait in and no outage to ride out. */
  readonly local?: boolean;
  /**
   * Scores one lead.
   * @throws AppError with an AI_… code; anything else counts as UNEXPECTED.
   */
  score(lead: LeadContent, signal: AbortSignal): Promise<Enrichment>;
  /** Forgets what it remembers of leads, where it does: a person was erased. */
  forget?(): void;
}
