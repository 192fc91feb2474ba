import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { LeadClaimedForSync } from '../ledger/claims.repository.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { traced } from '../platform/observability/tracing.js';
import type { JobOutcome, JobReference } from '../queue/job.js';
import { deadLetterIfPoison } from './bury-if-it-kills.js';
import { eventOf, spanOf } from './stage-telemetry.js';
import { handleFailure } from './failure-handler.js';
import type { PipelineTools } from './pipeline-context.js';

/** A job that came just as the stage was paused or its breaker opened: the worker takes no more of them until it goes on. */
const HELD_BACK_WAIT_MS = 1000;

export interface SyncTools extends PipelineTools {
  provider: CrmProvider;
  /** SPEED_TO_LEAD_SLA_SECONDS */
  slaSeconds: number;
}

/** Brings one lead from enriched to synced: the person's Lead and its membership are in the CRM. */
export async function syncLead(tools: SyncTools, reference: JobReference, signal: AbortSignal): Promise<JobOutcome> {
  const permit = tools.flow.breakers['crm-sync'].enter();
  if (!permit) return { kind: 'wait', delayMs: HELD_BACK_WAIT_MS };
  const claim = await tools.claims.claimForSync(reference).catch(AppError.from);
  if (!claim || claim instanceof AppError) permit.cancelled();
  if (!claim) return { kind: 'done' };
  if (claim instanceof AppError) return handleFailure(tools, { stage: 'crm-sync', claim: null, error: claim });
  return traced(spanOf('sync lead', claim), () => syncClaimed(tools, claim, permit, signal));
}

async function syncClaimed(
  tools: SyncTools,
  claim: LeadClaimedForSync,
  permit: CallPermit,
  signal: AbortSignal,
): Promise<JobOutcome> {
  try {
    if (await deadLetterIfPoison(tools, 'crm-sync', claim)) {
      permit.cancelled();
      return { kind: 'dead', code: 'WORKER_CRASHED' };
    }
  } catch (error) {
    return handleFailure(tools, { stage: 'crm-sync', claim, error: AppError.from(error), permit });
  }
  // Isolated until the outcome is in the ledger: whoever comes next and kills the worker must not take this lead for the culprit.
  return tools.isolation.run(claim.suspicions, (alone) => sync(tools, claim, alone, permit, signal));
}

async function sync(
  tools: SyncTools,
  claim: LeadClaimedForSync,
  alone: boolean,
  permit: CallPermit,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const began = tools.clock.now();
  let asked: CallPermit | null = permit;
  try {
    if (alone) await tools.claims.markExclusive(claim);
    const crm = await ioBoundary('crm.sync', claim.id, () =>
      tools.provider.sync(
        {
          personKey: claim.personKey,
          projection: claim.projection,
          campaignId: claim.campaignId,
          respondedAt: claim.receivedAt.toISOString(),
          // No company will come.
          urgent: alone || permit.probe,
        },
        signal,
      ),
    );
    permit.succeeded(true, claim.id);
    asked = null;
    await tools.results.markSynced(claim, crm);
  } catch (error) {
    const outcome = await handleFailure(tools, { stage: 'crm-sync', claim, error: AppError.from(error), permit: asked });
    // Superseded by a newer run, or erased meanwhile: then this run may have brought the person back into the CRM.
    if (outcome.kind === 'done') await forgetAgain(tools, claim);
    return outcome;
  }
  measure(tools, claim, began);
  tools.logger.info(
    {
      ...eventOf(tools, 'crm-sync', 'synced', claim),
      crm: tools.provider.name,
      // From the lead's receipt to its first arrival: a revision or a re-sync has none.
      ...(claim.firstSync ? { speedToLeadMs: Math.max(0, tools.clock.now() - claim.receivedAt.getTime()) } : {}),
    },
    'A lead is in the CRM',
  );
  return { kind: 'done' };
}

/** Whoever is too late to see this through leaves it to the last pass of the erasure, which waits for such runs. */
async function forgetAgain(tools: SyncTools, claim: LeadClaimedForSync): Promise<void> {
  try {
    if (!(await tools.erasures.eraseAgainIfGone(claim))) return;
    tools.logger.info(
      { leadId: claim.id },
      'The lead was erased while it was on its way to the CRM: the CRM is asked to forget it again',
    );
  } catch (error) {
    tools.logger.warn({ leadId: claim.id, err: error }, 'Whether the lead was erased meanwhile could not be read');
  }
}

function measure(tools: SyncTools, claim: LeadClaimedForSync, began: number): void {
  const now = tools.clock.now();
  tools.metrics.stageSeconds.observe({ stage: 'crm-sync', outcome: 'synced' }, (now - began) / 1000);
  // Sales heard of this lead when it first came: a revision or a re-score is no second lead.
  if (!claim.firstSync) return;
  const seconds = Math.max(0, now - claim.receivedAt.getTime()) / 1000;
  tools.metrics.speedToLead.observe(seconds);
  if (seconds > tools.slaSeconds) tools.metrics.slaBreaches.inc();
}
