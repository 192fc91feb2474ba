import { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';

export interface RetryPolicy {
  /** Failures of one lead in one stage before it is given up (RETRY_ATTEMPTS). */
  attempts: number;
  /** RETRY_BASE_MS. */
  baseMs: number;
}

/** What the policy has to know beside the error. */
export interface Circumstances {
  /** Failures of this lead in this stage, this one included. */
  failures: number;
  /** The stage's breaker is open, by this failure or since before it. */
  breakerOpen: boolean;
  /** The stage has succeeded for another lead since this one's previous failure: so the downstream is up, and the lead is at fault. */
  downstreamProven: boolean;
  /** A scorer had AI_DEADLINE_SECONDS, and they are over. */
  deadlinePassed: boolean;
}

/** What happens next to a lead whose run failed. */
export type Disposition =
  /** Somebody else has it: nothing to do, nothing to record. */
  | { kind: 'superseded' }
  /** Nobody's fault: the lead is handed back, and nothing is counted. */
  | { kind: 'wait'; delayMs: number }
  /** Counted; try again. */
  | { kind: 'retry'; delayMs: number }
  /** The lead goes on with the fallback score, since a slow or broken AI must not hold it up. */
  | { kind: 'fallback' }
  /** Counted; the lead waits for an operator. */
  | { kind: 'dead-letter' };

const LEDGER_WAIT_MS = 1000;
/** While a breaker is open the workers take no jobs, so this only spreads those that were in hand: five times the base. */
const BREAKER_WAIT_BASES = 5;
const OUTAGE_WAIT_MS = 30_000;

/** The one place that decides what an error means. */
export function decideRetry(error: AppError, stage: Stage, facts: Circumstances, policy: RetryPolicy): Disposition {
  if (error.code === 'STALE_RUN') return { kind: 'superseded' };
  if (error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED') return { kind: 'wait', delayMs: LEDGER_WAIT_MS };
  if (error.code === 'WORKER_STOPPING') return { kind: 'wait', delayMs: 0 };
  if (stage === 'enrichment' && facts.deadlinePassed) return { kind: 'fallback' };
  if (facts.breakerOpen) return { kind: 'wait', delayMs: BREAKER_WAIT_BASES * policy.baseMs };
  const last = error.class === 'permanent' || error.class === 'fallback' || facts.failures >= policy.attempts;
  if (!last) return { kind: 'retry', delayMs: backoffMs(facts.failures, policy) };
  if (stage === 'enrichment') return { kind: 'fallback' };
  // Nothing proves that the CRM is up, so perhaps no lead would get through: this one is not given up for it.
  if (error.class === 'dependency-down' && !facts.downstreamProven) return { kind: 'wait', delayMs: OUTAGE_WAIT_MS };
  return { kind: 'dead-letter' };
}

/** The wait before attempt n + 1 is 2^n × base. */
export function backoffMs(failures: number, policy: RetryPolicy): number {
  return 2 ** failures * policy.baseMs;
}
