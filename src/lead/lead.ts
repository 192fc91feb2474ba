import type { Enrichment } from './enrichment.js';
import type { LeadState, Stage } from './state.js';

/** The content of a webhook after validation: what the sender said about one person in one campaign. */
export interface LeadInput {
  /** As sent, trimmed. */
  emailRaw: string;
  /** Normalised (see keys.ts). */
  email: string;
  campaignId: string;
  name: string | null;
  /** Everything else that was sent: flat, keys dotted where the sender nested them, values as strings. */
  attributes: Record<string, string>;
}

/** What the scorers and the CRM see of a lead. */
export interface LeadContent {
  id: string;
  personKey: string;
  email: string;
  emailRaw: string;
  campaignId: string;
  name: string | null;
  attributes: Record<string, string>;
  revision: number;
}

/** Where the lead is in the CRM. `memberId` is null where the campaign is unknown there. */
export interface CrmReference {
  provider: string;
  leadId: string;
  memberId: string | null;
  /** Fields whose text was longer than the CRM's field. */
  cut?: string[];
  /** The records in a CRM that is tried beside this one (CRM_SHADOW). */
  shadow?: CrmReference;
}

export interface LeadError {
  stage: Stage;
  code: string;
  /** Of the error catalogue: whose fault it was. */
  class: string;
  message: string;
  at: string;
  /** What the same cause would look like on other leads; see AppError. */
  signature?: string;
  /** What the downstream answered last, without personal data. */
  answer?: string;
}

/** A whole ledger row. Times are ISO 8601 in UTC. */
export interface Lead extends LeadContent {
  state: LeadState;
  epoch: number;
  attempts: Record<Stage, number>;
  enrichment: Enrichment | null;
  crm: CrmReference | null;
  lastError: LeadError | null;
  /** When the next attempt is due; null where none is waiting. */
  nextAttemptAt: string | null;
  receivedAt: string;
  contentAt: string;
  enrichedAt: string | null;
  syncedAt: string | null;
  /** Of a score that stands in: when a better one is tried next (null: at once), and whether that has been given up. */
  rescore: { dueAt: string | null; givenUp: boolean };
}

/** One line of a lead's audit trail; `seq` counts from 1 without gaps. */
export interface LeadEvent {
  seq: number;
  at: string;
  kind: string;
  detail: Record<string, unknown>;
}
