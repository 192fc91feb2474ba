import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { Stage } from '../domain/lead-state.js';
import type { LeadsRepository } from '../ledger/leads.repository.js';
import type { LeadClaimedForRescore, RescoreRepository } from '../ledger/rescore.repository.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { ModelSlots } from './model-slots.js';
import { askScorer, type ScorerTools } from './score-lead.js';
import { backoffMs } from './retry-policy.js';
import { recordOf } from './failure-handler.js';
import { recordBreakerResult } from './tell-breaker.js';
import type { PipelineTools } from './pipeline-context.js';

/** Behind every fresh lead: the heuristic's ranks begin at 0. */
const LAST_IN_LINE = -1;
/** Sales has the lead already: waits are sixteen times as long as those of a lead that it has not. */
const PATIENCE = 16;
/** A scorer that failed so often, hours apart by then, will not learn to read this lead. */
const ATTEMPTS = 10;
/** Before a lead that was handed back untried is taken again. */
const RETURN_BASES = 30;
/** Before the first scorer is asked again where the second, which only stands in, answered in its place. */
const STAND_IN_BASES = 600;

export interface RescoreTools extends ScorerTools, Pick<PipelineTools, 'flow' | 'policy' | 'logger'> {
  rescores: Pick<RescoreRepository, 'checkpointRescore' | 'markCrmUpdated' | 'returnRescore' | 'recordRescoreFailure'>;
  leads: Pick<LeadsRepository, 'findProjection'>;
  turns: Pick<ModelSlots, 'take'>;
  crm: CrmProvider;
  /** How long one may stand in the line before the model. */
  turnWaitMs: number;
}

/** Gives a synced lead the score that it is owed, then tells the CRM. The lead is `synced` throughout, whatever comes of it. @returns whether it got it. */
export async function rescoreLead(tools: RescoreTools, claim: LeadClaimedForRescore, signal: AbortSignal): Promise<boolean> {
  let stage: Stage = 'enrichment';
  let permit: CallPermit | null = null;
  try {
    if (!claim.crmOwed) {
      const turn = tools.provider.local ? null : await tools.turns.take({ rank: LAST_IN_LINE, waitMs: tools.turnWaitMs, signal });
      if (turn === 'missed' || turn === 'given-up') return await handBack(tools, claim);
      permit = turn && turn.permit;
      try {
        const enrichment = await askScorer(tools, claim, signal);
        permit?.succeeded(true, claim.id);
        permit = null;
        // The second scorer answered, by rules: that is what the lead has already.
        if (enrichment.needsRescore) return await handBack(tools, claim, STAND_IN_BASES);
        await tools.rescores.checkpointRescore(claim, enrichment);
      } finally {
        turn?.end();
      }
    }
    stage = 'crm-sync';
    permit = tools.flow.breakers['crm-sync'].enter();
    if (!permit) return await handBack(tools, claim);
    const crm = await tellCrm(tools, claim, signal, permit);
    permit = null;
    await tools.rescores.markCrmUpdated(claim, crm);
    tools.metrics.rescores.inc({ outcome: 'rescored' });
    return true;
  } catch (error) {
    await settle(tools, claim, stage, AppError.from(error), permit, signal.aborted).catch(() => {}); // PostgreSQL is away: it is due again after the lease
    return false;
  }
}

/** @returns null where another row of the person is newer: the CRM shows that one, and nothing has changed for it. */
async function tellCrm(tools: RescoreTools, claim: LeadClaimedForRescore, signal: AbortSignal, permit: CallPermit) {
  const projection = await tools.leads.findProjection(claim.personKey);
  if (projection?.lead.id !== claim.id) {
    permit.cancelled();
    return null;
  }
  const crm = await ioBoundary('crm.sync', claim.id, () =>
    tools.crm.sync(
      {
        personKey: claim.personKey,
        projection,
        campaignId: claim.campaignId,
        respondedAt: claim.receivedAt.toISOString(),
      },
      signal,
    ),
  );
  permit.succeeded(true, claim.id);
  return crm;
}

async function settle(
  tools: RescoreTools,
  claim: LeadClaimedForRescore,
  stage: Stage,
  error: AppError,
  permit: CallPermit | null,
  stopping: boolean,
): Promise<void> {
  const open = permit ? await recordBreakerResult(tools, stage, permit, error) : tools.flow.breakers[stage].open;
  if (error.code === 'STALE_RUN') return; // the lead has changed, and its new score is on its way
  if (open || stopping || !['permanent', 'transient', 'fallback'].includes(error.class)) {
    await handBack(tools, claim);
    return;
  }
  const now = tools.clock.now();
  const last = claim.attempts >= ATTEMPTS || (stage === 'crm-sync' && error.class === 'permanent');
  const dueAt = last ? null : new Date(now + PATIENCE * backoffMs(claim.attempts, tools.policy));
  await tools.rescores.recordRescoreFailure(claim, recordOf(stage, error, now), dueAt);
  tools.metrics.rescores.inc({ outcome: last ? 'given-up' : 'failed' });
  tools.logger.warn({ leadId: claim.id, stage, code: error.code, attempt: claim.attempts, last }, 'A re-score failed');
}

async function handBack(tools: RescoreTools, claim: LeadClaimedForRescore, bases = RETURN_BASES): Promise<false> {
  await tools.rescores.returnRescore(claim, new Date(tools.clock.now() + bases * tools.policy.baseMs));
  return false;
}
