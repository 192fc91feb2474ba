import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../errors/app-error.js';
import type { LeadClaimedForSync } from '../ledger/claim-leads.js';
import type { JobOutcome, JobReference } from '../queue/job.js';
import { settleFailure } from './settle-failure.js';
import type { PipelineTools } from './tools.js';

export interface SyncTools extends PipelineTools {
  provider: CrmProvider;
  /** SPEED_TO_LEAD_SLA_SECONDS */
  slaSeconds: number;
}

/** Brings one lead from enriched to synced: the person's Lead and its membership are in the CRM. */
export async function syncLead(tools: SyncTools, reference: JobReference, signal: AbortSignal): Promise<JobOutcome> {
  const claim = await tools.ledger.claimForSync(reference).catch(AppError.from);
  if (claim instanceof AppError) return settleFailure(tools, 'crm-sync', null, claim);
  if (!claim) return { kind: 'done' };
  const began = tools.clock.now();
  try {
    const crm = await tools.provider.sync(
      {
        personKey: claim.personKey,
        projection: claim.projection,
        campaignId: claim.campaignId,
        respondedAt: claim.receivedAt.toISOString(),
      },
      signal,
    );
    await tools.ledger.markSynced(claim, crm);
    measure(tools, claim, began);
    return { kind: 'done' };
  } catch (error) {
    return settleFailure(tools, 'crm-sync', claim, AppError.from(error));
  }
}

function measure(tools: SyncTools, claim: LeadClaimedForSync, began: number): void {
  const now = tools.clock.now();
  const seconds = Math.max(0, now - claim.contentAt.getTime()) / 1000;
  tools.metrics.stageSeconds.observe({ stage: 'crm-sync', outcome: 'synced' }, (now - began) / 1000);
  tools.metrics.speedToLead.observe(seconds);
  if (seconds > tools.slaSeconds) tools.metrics.slaBreaches.inc();
}
