import { AppError } from '../errors/app-error.js';
import type { Stage } from '../lead/state.js';
import type { ClaimedLead } from '../ledger/claim-leads.js';
import type { JobOutcome } from '../queue/job.js';
import { dispositionOf } from './outcome.js';
import type { PipelineTools } from './tools.js';

const UNRECORDED_WAIT_MS = 1000;

/**
 * Does with a failed run what the outcome policy says, and records it in the ledger.
 * @param claim null where the failure came before the claim; then nothing can be recorded against the lead.
 * @param fallback how the stage goes on without a result, where it can (enrichment).
 */
export async function settleFailure(
  tools: PipelineTools,
  stage: Stage,
  claim: ClaimedLead | null,
  error: AppError,
  fallback?: () => Promise<void>,
): Promise<JobOutcome> {
  const disposition = dispositionOf(error, stage, (claim?.attempts ?? 0) + 1, tools.policy);
  const context = { leadId: claim?.id, stage, code: error.code, disposition: disposition.kind };
  if (disposition.kind === 'superseded') {
    tools.logger.info(context, 'A newer run has this lead; this one wrote nothing');
    return { kind: 'done' };
  }
  tools.logger.warn({ ...context, err: error }, 'A run failed');
  if (disposition.kind === 'wait') return disposition;
  if (!claim) return { kind: 'wait', delayMs: UNRECORDED_WAIT_MS };

  const now = tools.clock.now();
  const nextAttemptAt = disposition.kind === 'retry' ? new Date(now + disposition.delayMs) : null;
  const record = { stage, code: error.code, message: error.message, at: new Date(now).toISOString() };
  try {
    if (disposition.kind === 'fallback') {
      await tools.ledger.recordFailure(claim, record, new Date(now));
      await fallback!();
      return { kind: 'done' };
    }
    await tools.ledger.recordFailure(claim, record, nextAttemptAt);
  } catch (failure) {
    // What could not be recorded did not happen: the job comes back and finds the lead as it was.
    return settleFailure(tools, stage, null, AppError.from(failure));
  }
  return disposition.kind === 'retry'
    ? { kind: 'retry', delayMs: disposition.delayMs, code: error.code }
    : { kind: 'dead', code: error.code };
}
