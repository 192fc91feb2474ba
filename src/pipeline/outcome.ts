import { AppError } from '../errors/app-error.js';
import type { Stage } from '../lead/state.js';

export interface RetryPolicy {
  /** Failures of one lead in one stage before it is given up (RETRY_ATTEMPTS). */
  attempts: number;
  /** RETRY_BASE_MS. */
  baseMs: number;
}

/** What happens next to a lead whose run failed. */
export type Disposition =
  /** Somebody else has it: nothing to do, nothing to record. */
  | { kind: 'superseded' }
  /** A store or the CRM is down: come back, and count nothing. */
  | { kind: 'wait'; delayMs: number }
  /** Counted; try again. */
  | { kind: 'retry'; delayMs: number }
  /** Counted; the lead goes on with the fallback score, since a slow or broken AI must not hold it up. */
  | { kind: 'fallback' }
  /** Counted; the lead waits for an operator. */
  | { kind: 'dead-letter' };

const LEDGER_WAIT_MS = 1000;
const OUTAGE_WAIT_MS = 30_000;

/**
 * The one place that decides what an error means.
 * @param failures of this lead in this stage, this one included.
 */
export function dispositionOf(error: AppError, stage: Stage, failures: number, policy: RetryPolicy): Disposition {
  if (error.code === 'STALE_RUN') return { kind: 'superseded' };
  if (error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED') return { kind: 'wait', delayMs: LEDGER_WAIT_MS };
  const last = error.class === 'permanent' || failures >= policy.attempts;
  if (!last) return { kind: 'retry', delayMs: backoffMs(failures, policy) };
  // The CRM is down, which is no lead's fault: it waits for as long as that takes, and no outage fills the dead letters.
  if (error.class === 'dependency-down' && stage === 'crm-sync') return { kind: 'wait', delayMs: OUTAGE_WAIT_MS };
  return stage === 'enrichment' ? { kind: 'fallback' } : { kind: 'dead-letter' };
}

/** The wait before attempt n + 1 is 2^n × base. */
export function backoffMs(failures: number, policy: RetryPolicy): number {
  return 2 ** failures * policy.baseMs;
}
