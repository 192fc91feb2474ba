/** What can become of a lead. The later ones include the earlier: a won opportunity is a conversion. */
export const OUTCOME_KINDS = [
  'touched',
  'qualified',
  'disqualified',
  'converted',
  'opportunity',
  'won',
  'lost',
  'deleted',
  'merged',
] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** Those that another system may report; the others are states of a CRM record. */
export const REPORTED_KINDS = ['touched', 'qualified', 'disqualified', 'converted', 'opportunity', 'won', 'lost'] as const;

/** What a status of a Lead may mean. */
export const STATUS_KINDS = ['touched', 'qualified', 'disqualified'] as const;
export type StatusKind = (typeof STATUS_KINDS)[number];

/** What counts as success in a report, and the kinds that show it. */
export const TARGET_KINDS = {
  qualified: ['qualified', 'converted', 'opportunity', 'won'],
  converted: ['converted', 'opportunity', 'won'],
  won: ['won'],
} as const satisfies Record<string, readonly OutcomeKind[]>;
export type Target = keyof typeof TARGET_KINDS;
export const TARGETS = Object.keys(TARGET_KINDS) as Target[];

/** The source of what the CRM poller reads. */
export const SALESFORCE = 'salesforce';

/** An outcome as it is stored. Times are ISO 8601 in UTC. */
export interface Outcome {
  kind: OutcomeKind;
  at: string;
  amount: number | null;
  currency: string | null;
  source: string;
  crmId: string;
}

/** An outcome of a person. */
export interface PersonOutcome extends Omit<Outcome, 'source'> {
  personKey: string;
}
