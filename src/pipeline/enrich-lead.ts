import { AppError } from '../errors/app-error.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import type { Enrichment } from '../lead/enrichment.js';
import type { ClaimedLead } from '../ledger/claim-leads.js';
import type { JobOutcome, JobReference } from '../queue/job.js';
import { settleFailure } from './settle-failure.js';
import type { PipelineTools } from './tools.js';

export interface EnrichTools extends PipelineTools {
  provider: EnrichmentProvider;
  /** AI_TIMEOUT_MS */
  timeoutMs: number;
}

/** Brings one lead from received to enriched, and announces it to the next stage. */
export async function enrichLead(tools: EnrichTools, reference: JobReference, signal: AbortSignal): Promise<JobOutcome> {
  const claim = await tools.ledger.claimForEnrichment(reference).catch(AppError.from);
  if (claim instanceof AppError) return settleFailure(tools, 'enrichment', null, claim);
  if (!claim) return { kind: 'done' };
  try {
    await checkpoint(tools, claim, await score(tools, claim, signal));
    return { kind: 'done' };
  } catch (error) {
    const reason = AppError.from(error);
    return settleFailure(tools, 'enrichment', claim, reason, async () => {
      await checkpoint(tools, claim, fallbackScore(tools.provider.name, reason));
      tools.metrics.aiFallbacks.inc({ reason: reason.code });
    });
  }
}

async function score(tools: EnrichTools, claim: ClaimedLead, signal: AbortSignal): Promise<Enrichment> {
  const timeout = AbortSignal.timeout(tools.timeoutMs);
  const began = tools.clock.now();
  try {
    return await tools.provider.score(claim, AbortSignal.any([signal, timeout]));
  } catch (cause) {
    if (!timeout.aborted) throw cause;
    throw new AppError('AI_TIMEOUT', `The model did not answer within ${tools.timeoutMs} ms.`, { cause });
  } finally {
    tools.metrics.stageSeconds.observe({ stage: 'enrichment', outcome: 'scored' }, (tools.clock.now() - began) / 1000);
  }
}

/** Checkpoint first: a CRM retry must not buy a second AI call. */
async function checkpoint(tools: EnrichTools, claim: ClaimedLead, enrichment: Enrichment): Promise<void> {
  const epoch = await tools.ledger.checkpoint(claim, enrichment);
  tools.announcer.announce('crm-sync', { leadId: claim.id, epoch });
}

/** The middle of the scale, marked as what it is, so that sales hears of the lead and a real score can follow. */
export function fallbackScore(provider: string, error: AppError): Enrichment {
  return {
    fitScore: 50,
    intent: 'unknown',
    confidence: 0,
    evidence: [],
    reasoning: 'Not scored yet: the scorer did not answer in time. The score stands in until it does.',
    scoreSource: 'fallback',
    needsRescore: true,
    flags: [`fallback:${error.code}`],
    provider,
    scorerVersion: 'fallback-1',
  };
}
