/** The two stages of the pipeline; also the names of their queues. */
export const STAGES = ['enrichment', 'crm-sync'] as const;
export type Stage = (typeof STAGES)[number];

export const LEAD_STATES = ['received', 'enriched', 'synced', 'dead', 'discarded'] as const;
export type LeadState = (typeof LEAD_STATES)[number];

/** States that still need work: the sweeper ensures that each such row has a live job. */
export const OPEN_STATES = ['received', 'enriched'] as const satisfies readonly LeadState[];
export type OpenState = (typeof OPEN_STATES)[number];

/** What can happen to a lead. `erase` is missing: it removes the row, so there is no state after it. */
export const LEAD_CHANGES = [
  'enrich',
  'sync',
  'rescore',
  'fail',
  'give-up',
  'replay-enrichment',
  'replay-crm-sync',
  'edit',
  'discard',
  'resync',
  'revise',
] as const;
export type LeadChange = (typeof LEAD_CHANGES)[number];

/**
 * The diagram of docs/architecture.md. A pair that is not listed cannot happen.
 * test/integration/lead-transitions.test.ts runs the SQL of each change from each state and compares.
 */
const TRANSITIONS: Record<LeadChange, Partial<Record<LeadState, LeadState>>> = {
  enrich: { received: 'enriched' },
  sync: { enriched: 'synced' },
  rescore: { synced: 'synced' },
  /** An attempt failed, and another follows. */
  fail: { received: 'received', enriched: 'enriched' },
  'give-up': { received: 'dead', enriched: 'dead' },
  /** By an operator, or because the cause was a setting of the downstream. */
  'replay-enrichment': { dead: 'received' },
  'replay-crm-sync': { dead: 'enriched' },
  edit: { dead: 'dead' },
  discard: { dead: 'discarded' },
  /** The CRM was asked to erase the person, and this lead came after that. */
  resync: { enriched: 'enriched', synced: 'enriched' },
  revise: { received: 'received', enriched: 'received', synced: 'received', dead: 'received', discarded: 'received' },
};

/** The state after `change`, or null where the diagram has no such arrow. */
export function stateAfter(state: LeadState, change: LeadChange): LeadState | null {
  return TRANSITIONS[change][state] ?? null;
}

/** The stage that brings a lead in this state forward, or null where no work is due. */
export function stageDueIn(state: LeadState): Stage | null {
  if (state === 'received') return 'enrichment';
  if (state === 'enriched') return 'crm-sync';
  return null;
}
