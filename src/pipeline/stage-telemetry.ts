import type { Stage } from '../domain/lead-state.js';
import type { Claim } from '../ledger/claims.repository.js';
import type { Traced } from '../platform/observability/tracing.js';
import type { PipelineTools } from './pipeline-context.js';

/** The one log line that a lead writes at the end of a stage: wide enough to be the only one that is needed, and nobody's name in it. */
export function eventOf({ clock }: Pick<PipelineTools, 'clock'>, stage: Stage, outcome: string, claim: Claim) {
  const now = clock.now();
  return {
    leadId: claim.id,
    stage,
    outcome,
    revision: claim.revision,
    attempt: claim.attempts + 1,
    campaignId: claim.campaignId,
    waitedMs: claim.claimedAt.getTime() - claim.contentAt.getTime(),
    tookMs: now - claim.claimedAt.getTime(),
  };
}

/** The stage's part of the trace that the webhook began. */
export function spanOf(name: string, claim: Claim): Traced {
  return {
    name,
    parent: claim.traceparent,
    attributes: {
      'revenueflow.lead_id': claim.id,
      'revenueflow.revision': claim.revision,
      'revenueflow.attempt': claim.attempts + 1,
    },
  };
}
