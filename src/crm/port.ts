import type { Enrichment } from '../domain/enrichment.js';
import type { CrmSynced, LeadContent } from '../domain/lead.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';

/**
 * What the CRM's Lead should say about a person: the content of the person's newest scored row, whichever row's job
 * does the writing. Of two writes the one with the higher `version` stands.
 */
export interface PersonProjection {
  lead: LeadContent;
  enrichment: Enrichment;
  /** The probability of conversion by the active calibration; absent where none is active for this scorer. */
  probability?: number;
  /** When the content was received, in microseconds since 1970, plus the count of scorings of it: newer is greater. */
  version: number;
}

/** Who owns a record that is about to be created. An existing record keeps its owner. */
export interface OwnerChoice {
  /**
   * Decides, or repeats the decision. Called only before a creation.
   * @returns the user or queue; null where the CRM assigns the record.
   * @throws AppError of the ledger.
   */
  choose(): Promise<string | null>;
  /** The CRM refused the owner: another one is decided. @returns as `choose`. */
  refused(ownerId: string, why: 'inactive' | 'refused'): Promise<string | null>;
}

export interface CrmSync {
  personKey: string;
  /** Absent where the CRM assigns owners. */
  owner?: OwnerChoice;
  projection: PersonProjection;
  /** The membership to ensure: the person's in this campaign. */
  campaignId: string;
  /** When the person answered this campaign (ISO 8601). */
  respondedAt: string;
  /** It waits for no others to share a call with. */
  urgent?: boolean;
}

/** What a sync would do, found out without writing. */
export interface CrmFinding {
  act: 'create' | 'update' | 'membership only';
  /** Whether the CRM knows the campaign. */
  campaignKnown: boolean;
  /** Why the CRM would refuse or mutilate the record; empty where it would not. */
  problems: string[];
}

/** One thing that was looked at in the CRM's set-up. */
export interface CrmCheckLine {
  subject: string;
  /** Where its value comes from, or what it is for. */
  from: string;
  verdict: 'ok' | 'warning' | 'problem';
  detail: string;
}

export interface CrmCheck {
  lines: CrmCheckLine[];
  /** What would be sent for a made-up person. */
  sample: Record<string, unknown>;
}

/** A field of a person's record that is not what the ledger says; `field` null where there is no record. */
export interface CrmDifference {
  personKey: string;
  field: string | null;
  expected: unknown;
  actual: unknown;
}

/** A person's record in the CRM as it is now, for what became of the lead. It has no personal data besides the key. */
export interface CrmPersonState {
  id: string;
  /** Of this service; null where the record has none. */
  personKey: string | null;
  status: string | null;
  /** When the record changed last (ISO 8601). */
  changedAt: string;
  /** The day of the conversion (YYYY-MM-DD); null where it was not converted. */
  convertedOn: string | null;
  opportunityId: string | null;
  deleted: boolean;
  /** The record that it was merged into; its key is null where it has none of this service. */
  mergedInto: { id: string; personKey: string | null } | null;
}

export interface CrmOpportunityState {
  id: string;
  createdAt: string;
  changedAt: string;
  /** The day of the close (YYYY-MM-DD), expected or real. */
  closesOn: string | null;
  state: 'open' | 'won' | 'lost';
  amount: number | null;
  currency: string | null;
  deleted: boolean;
}

/** What people of the CRM did with a Lead, and its state now. */
export interface CrmLeadActs {
  id: string;
  status: string | null;
  ownerId: string;
  createdAt: string;
  changedAt: string;
  converted: boolean;
  /** Merged into another record, too. */
  deleted: boolean;
  /** Tasks and Events that users entered, the oldest first. */
  activities: { id: string; kind: 'task' | 'event'; at: string }[];
}

/** Reads what became of leads. Calls keep to the CRM's rate and budget. All methods throw AppErrors as `sync`. */
export interface CrmOutcomeReader {
  /**
   * Records with a key of this service that changed after a position, deleted and merged ones included, in the order of
   * (changedAt, id).
   * @returns a page; `more` where another one follows.
   */
  changedPersons(after: { at: string; id: string }, signal: AbortSignal): Promise<{ records: CrmPersonState[]; more: boolean }>;
  /** Records by id, at most `idsAtOnce`; with `since` only those that changed at or after it. */
  persons(ids: string[], since: string | null, signal: AbortSignal): Promise<CrmPersonState[]>;
  opportunities(ids: string[], since: string | null, signal: AbortSignal): Promise<CrmOpportunityState[]>;
  readonly idsAtOnce: number;
  /**
   * What people did with Leads, by the ids of the Leads; at most `idsAtOnce`. Leads that the CRM does not show are
   * missing.
   * @param since the earliest Task or Event that is of interest (ISO 8601).
   * @param automation users whose Tasks and Events do not count. The user of this service never counts.
   */
  acts(ids: string[], since: string, automation: string[], signal: AbortSignal): Promise<CrmLeadActs[]>;
}

/**
 * `other-owner`: a human changed it meanwhile, and it stays. `gone`: deleted, merged, converted, or no Lead. `refused`:
 * the CRM does not take the new owner.
 */
export type OwnerChange =
  | { kind: 'changed' }
  | { kind: 'other-owner'; ownerId: string }
  | { kind: 'gone' }
  | { kind: 'refused'; why: 'inactive' | 'refused' };

export interface CrmUser {
  userId: string;
  name: string | null;
  email: string | null;
  active: boolean;
  managerId: string | null;
  timeZone: string | null;
}

export interface CrmAccount {
  accountId: string;
  ownerId: string;
  name: string | null;
  type: string | null;
  industry: string | null;
  parentId: string | null;
  website: string | null;
  createdAt: string;
  changedAt: string;
  deleted: boolean;
}

export interface CrmContactDomain {
  contactId: string;
  accountId: string | null;
  /** Of the address; null where it has none. */
  domain: string | null;
  changedAt: string;
}

/** Reads users and accounts for the routing rules. Calls keep to the CRM's rate and budget, and throw as `sync`. */
export interface CrmDirectory {
  /** Changed after a position, in the order of (changedAt, id); a page. */
  users(after: Position, signal: AbortSignal): Promise<{ records: (CrmUser & { changedAt: string })[]; more: boolean }>;
  accounts(after: Position, signal: AbortSignal): Promise<{ records: CrmAccount[]; more: boolean }>;
  contactDomains(after: Position, signal: AbortSignal): Promise<{ records: CrmContactDomain[]; more: boolean }>;
}

interface Position {
  at: string;
  id: string;
}

/** What every CRM implements. A provider is a folder here and a line in registry.ts. */
export interface CrmProvider {
  readonly name: string;
  /**
   * Upserts the person's Lead by person key and ensures one membership in the campaign. Idempotent; an older version
   * never overwrites a newer one. Concurrent calls may be coalesced; one record's failure is its own.
   * @returns where the lead is now, what was sent and what the CRM answered.
   * @throws AppError CRM_RECORD_REJECTED (permanent, with what was sent), CRM_DUPLICATE_OF_OTHER_PERSON or
   * CRM_DUPLICATE_BLOCKED (permanent), CRM_UNAVAILABLE (outage), or WORKER_STOPPING where the signal was aborted.
   */
  sync(request: CrmSync, signal: AbortSignal): Promise<CrmSynced>;
  /** What `sync` would do, without writing. */
  validate?(request: CrmSync): Promise<CrmFinding>;
  /** Compares what this service is set up to write with what the CRM is set up to take. */
  check?(): Promise<CrmCheck>;
  /**
   * Gives a person's Lead another owner, if it still has the one that it is expected to have.
   * @throws AppError as `sync`
   */
  changeOwner?(leadId: string, from: string, to: string, signal: AbortSignal): Promise<OwnerChange>;
  /** Absent where the CRM has no users and accounts to read. */
  readonly directory?: CrmDirectory | undefined;
  /** Compares the persons' records with what they should show; at most 200 persons a call. */
  compare?(persons: PersonProjection[]): Promise<CrmDifference[]>;
  /**
   * Deletes what the CRM has of the person, memberships included, or makes it anonymous where it may not be deleted.
   * Idempotent: of a person whom it does not know it deletes nothing. Where a CRM has no such method, an operator
   * deletes there by hand, and the receipt says so.
   * @returns how many records went.
   * @throws AppError as `sync`; whatever it throws, it is asked again.
   */
  erasePerson?(personKey: string, signal: AbortSignal): Promise<number>;
  /** Absent where the CRM has no outcomes to read. */
  readonly outcomes?: CrmOutcomeReader | undefined;
  /** @throws AppError CRM_UNAVAILABLE when the CRM cannot be reached. */
  ping(): Promise<void>;
  /**
   * Called before the first sync. `moreFollow` returns whether more syncs follow soon where `waiting` syncs wait for
   * them: then a batch that is not full may wait.
   */
  expectMore?(moreFollow: (waiting: number) => boolean): void;
  /** The process is about to end: open batching windows are sent at once, and none is opened from now on. */
  flush?(): void;
  close(): Promise<void>;
}

/** What a CRM provider may need to be made. */
export interface CrmSettings {
  config: Config;
  databaseUrl: string;
  /** It is tried beside the one that counts, which does not wait for it long. */
  shadow?: boolean;
  /**
   * Taken before each API call (the mock makes none), so that all processes together keep to CRM_RATE_LIMIT_PER_SECOND.
   */
  rateLimiter: RateLimiter;
  clock: Clock;
  logger: Logger;
  /** Called with the share of the CRM's daily API calls that is used, wherever the CRM says it. */
  observeApiUsage(ratio: number): void;
  /** Called with what became of each lead in the CRM that is tried beside the real one (CRM_SHADOW). */
  observeShadow(outcome: ShadowOutcome): void;
  /** Called with what people should know of although no lead failed. */
  observeNotice(notice: CrmNotice): void;
  /** Called once per hour and subject, for the alerts. */
  recordNotice(notice: { kind: CrmNotice; subject: string; reason: string }): void;
}

export type CrmNotice =
  | 'batch-reduced'
  | 'field-left-out'
  | 'assignment-skipped'
  | 'owner-refused'
  | 'membership-missing'
  | 'other-person';

export type ShadowOutcome = 'written' | 'valid' | 'problem' | 'failed' | 'skipped';
