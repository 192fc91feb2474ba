import type { Enrichment } from './enrichment.js';
import type { LeadState, Stage } from './lead-state.js';

/**
 * What was changed or left out of a lead because it could not be kept as it was sent, or that no webhook brought it.
 * It quotes no value.
 */
export interface IntakeNote {
  kind: 'character' | 'placeholder' | 'token' | 'encoding' | 'repair' | 'reconciliation';
  /** The field as the sender named it; empty for the body as a whole. */
  path: string;
  message: string;
}

/** The content of a webhook after validation: what the sender said about one person in one campaign. */
export interface LeadInput {
  /** As sent, without what was pasted around it. */
  emailRaw: string;
  /** Normalised (see email-address.ts). */
  email: string;
  campaignId: string;
  name: string | null;
  /** Everything else that was sent: flat, keys dotted where the sender nested them, values as strings. */
  attributes: Record<string, string>;
  /** For the audit trail; absent where nothing had to be changed. */
  notes?: IntakeNote[];
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
  /** Fields that the CRM refused, and that the record was written without. */
  leftOut?: string[];
  /** The records in a CRM that is tried beside this one (CRM_SHADOW). */
  shadow?: CrmReference;
}

/** What was sent to a CRM, by its names of the fields; long values are cut. */
export type SentFields = Record<string, string | number | boolean>;

/**
 * One record that a lead asks of a CRM: what was sent, and what the CRM answered. Nothing is sent where it is known to
 * be there.
 */
export interface CrmWrite<Answer extends string> {
  answer: Answer;
  fields: SentFields;
}

export const CRM_LEAD_ANSWERS = ['created', 'updated', 'newer-there', 'is-contact', 'other-person', 'sent-before'] as const;
export const CRM_MEMBER_ANSWERS = [
  'created',
  'there-already',
  'status-raised',
  'sent-before',
  'unknown-campaign',
  'unusable-campaign',
] as const;

/**
 * What passed between the service and a CRM for a lead. It is personal data: it belongs into the audit trail, and never
 * into a log.
 */
export interface CrmExchange {
  provider: string;
  /** The lead of whose content this is, where that is another one: the CRM shows the person's newest. */
  contentOf?: string;
  lead: CrmWrite<(typeof CRM_LEAD_ANSWERS)[number]>;
  member: CrmWrite<(typeof CRM_MEMBER_ANSWERS)[number]>;
  /** What the CRM has otherwise than it was sent, and what to do about it; one sentence each. */
  notes?: string[];
}

/**
 * A sync as it went: one exchange a CRM, the shadow's included. The ledger keeps the reference in the row and the rest
 * in the audit trail.
 */
export interface CrmSynced extends CrmReference {
  exchanges?: CrmExchange[];
  /** The owner of the person's record, where the CRM was seen with it. */
  owner?: { id: string; created: boolean };
}

export interface LeadError {
  stage: Stage;
  code: string;
  /** Of the error catalogue: whose fault it was. */
  class: string;
  message: string;
  at: string;
  /** The downstream failed for other leads too, so it cost this one no attempt. */
  shared?: true;
  /** What the same cause would look like on other leads; see AppError. */
  signature?: string;
  /** What the downstream answered last, without personal data. */
  answer?: string;
  /** The record that the CRM refused; in the audit trail only. */
  sent?: SentFields;
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
  /** Of a provisional score: when a better one is tried next (null: at once), and whether re-scoring has stopped. */
  rescore: { dueAt: string | null; givenUp: boolean };
}

/**
 * One line of a lead's audit trail; `seq` counts from 1 without gaps, but for those that an `events-removed` stands
 * for.
 */
export interface LeadEvent {
  seq: number;
  at: string;
  kind: string;
  detail: Record<string, unknown>;
}
