import { AppError } from '../domain/app-error.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { LeadError } from '../domain/lead.js';
import type { Stage } from '../domain/lead-state.js';
import type { Claim } from '../ledger/claims.repository.js';
import type { JobOutcome } from '../queue/job.js';
import { refundAttempts, openOnSharedFailure } from './acquit-leads.js';
import { decideRetry } from './retry-policy.js';
import { recordBreakerResult } from './tell-breaker.js';
import type { PipelineTools } from './pipeline-context.js';

const UNRECORDED_WAIT_MS = 1000;

export interface Failure {
  stage: Stage;
  /** Null where the failure came before the claim; then nothing can be recorded against the lead. */
  claim: Claim | null;
  error: AppError;
  /** The call that failed; null where the downstream was not called. */
  permit?: CallPermit | null;
  deadlinePassed?: boolean;
  /** How the stage goes on without a result, where it can (enrichment). */
  fallback?(): Promise<void>;
}

/** Does with a failed run what the outcome policy says, and records it in the ledger. */
export async function handleFailure(tools: PipelineTools, failure: Failure): Promise<JobOutcome> {
  try {
    return await settle(tools, failure);
  } catch (error) {
    // What could not be recorded did not happen: the job comes back and finds the lead as it was.
    return settle(tools, { stage: failure.stage, claim: null, error: AppError.from(error) });
  }
}

async function settle(tools: PipelineTools, failure: Failure): Promise<JobOutcome> {
  const { stage, claim, error, permit, deadlinePassed = false, fallback } = failure;
  const gate = tools.flow.breakers[stage];
  const breakerOpen = permit ? await recordBreakerResult(tools, stage, permit, error) : gate.open;
  const facts = {
    failures: (claim?.attempts ?? 0) + 1,
    breakerOpen,
    deadlinePassed,
    attribution: claim && permit && !breakerOpen && error.class === 'dependency-down' ? gate.attribute(claim.id, error) : null,
    random: Math.random(),
  };
  const disposition = decideRetry(error, stage, facts, tools.policy);
  const context = { leadId: claim?.id, stage, code: error.code, disposition: disposition.kind };
  if (disposition.kind === 'superseded') {
    tools.logger.info(context, 'A newer run has this lead; this one wrote nothing');
    return { kind: 'done' };
  }
  if (!breakerOpen) tools.logger.warn({ ...context, err: error }, 'A run failed');
  if (!claim) return { kind: 'wait', delayMs: UNRECORDED_WAIT_MS };
  const now = tools.clock.now();
  const record = recordOf(stage, error, now);
  if (disposition.kind === 'wait') {
    if (facts.attribution && isPowerOfTwo(facts.attribution.failures)) {
      await tools.results.recordFailure(claim, { ...record, shared: true }, new Date(now + disposition.delayMs));
    } else {
      await tools.claims.release(claim).catch(() => {}); // PostgreSQL is away: the next claim takes it over
    }
    return disposition;
  }

  if (disposition.kind === 'fallback') {
    if (!breakerOpen) await tools.results.recordFailure(claim, record, new Date(now));
    await fallback!();
    return { kind: 'done' };
  }
  if (disposition.kind === 'retry') {
    await tools.results.recordFailure(claim, record, new Date(now + disposition.delayMs));
    // Counted a moment before the breaker opened.
    if (gate.open && error.class === 'dependency-down') await refundAttempts(tools, stage);
    return { kind: 'retry', delayMs: disposition.delayMs, code: error.code };
  }
  await tools.results.recordFailure(claim, record, null);
  if (error.signature) await openOnSharedFailure(tools, stage, error, error.signature);
  return { kind: 'dead', code: error.code };
}

/** A long partial outage shall be seen in a lead's history, and not fill it. */
function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

export function recordOf(stage: Stage, error: AppError, now: number): LeadError {
  return {
    stage,
    code: error.code,
    class: error.class,
    message: error.message,
    at: new Date(now).toISOString(),
    ...(error.signature ? { signature: error.signature } : {}),
    ...(error.answer ? { answer: error.answer } : {}),
    ...(error.sent ? { sent: error.sent } : {}),
  };
}
