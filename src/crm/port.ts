import type { Enrichment } from '../lead/enrichment.js';
import type { CrmReference, LeadContent } from '../lead/lead.js';

/**
 * What the CRM's Lead should say about a person: the content of the person's newest scored row, whichever row's job does
 * the writing. Of two writes the one with the higher `version` stands.
 */
export interface PersonProjection {
  lead: LeadContent;
  enrichment: Enrichment;
  /** When the content was received, in microseconds since 1970, plus the count of scorings of it: newer is greater. */
  version: number;
}

export interface CrmSync {
  personKey: string;
  projection: PersonProjection;
  /** The membership to ensure: the person's in this campaign. */
  campaignId: string;
  /** When the person answered this campaign (ISO 8601). */
  respondedAt: string;
}

/** What every CRM implements. A provider is a folder here and a line in registry.ts. */
export interface CrmProvider {
  readonly name: string;
  /**
   * Upserts the person's Lead by person key and ensures one membership in the campaign. Idempotent; an older version never
   * overwrites a newer one. Concurrent calls may be coalesced; one record's failure is its own.
   * @throws AppError CRM_RECORD_REJECTED (permanent) or CRM_UNAVAILABLE (outage).
   */
  sync(request: CrmSync, signal: AbortSignal): Promise<CrmReference>;
  /**
   * Deletes what the CRM has of the person, memberships included, or makes it anonymous where it may not be deleted. Idempotent: of a person
   * whom it does not know it deletes nothing. A CRM without it is told by hand, and the receipt says so.
   * @returns how many records went.
   * @throws AppError as `sync`; whatever it throws, it is asked again.
   */
  erasePerson?(personKey: string, signal: AbortSignal): Promise<number>;
  /** @throws AppError CRM_UNAVAILABLE when the CRM cannot be reached. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
