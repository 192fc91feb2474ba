import { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';
import type { Config } from '../platform/config/config.js';
import type { Attribution } from '../flow-control/downstream-evidence.js';

export interface RetryPolicy {
  /** Failures of one lead in one stage before it is given up (RETRY_ATTEMPTS). */
  attempts: number;
  /** RETRY_BASE_MS. */
  baseMs: number;
}

export function retryPolicyOf(config: Pick<Config, 'RETRY_ATTEMPTS' | 'RETRY_BASE_MS'>): RetryPolicy {
  return { attempts: config.RETRY_ATTEMPTS, baseMs: config.RETRY_BASE_MS };
}

/** What the policy has to know beside the error. */
export interface Circumstances {
  /** Failures of this lead in this stage, this one included. */
  failures: number;
  /** The stage's breaker is open, by this failure or since before it. */
  breakerOpen: boolean;
  /** A scorer had AI_DEADLINE_SECONDS, and they are over. */
  deadlinePassed: boolean;
  /** Whose failure it is, where the downstream failed (class dependency-down) while the breaker is closed; null otherwise. */
  attribution: Attribution | null;
  /** 0 to 1, drawn for this failure: spreads leads that failed together, so that they do not return together. */
  random: number;
}

/** What happens next to a lead whose run failed. */
export type Disposition =
  /** A newer run has the lead: nothing to do, nothing to record. */
  | { kind: 'superseded' }
  /** Not the lead's fault: it is handed back, and no attempt is counted. */
  | { kind: 'wait'; delayMs: number }
  /** Counted; try again. */
  | { kind: 'retry'; delayMs: number }
  /** The lead goes on with the fallback score, since a slow or broken AI must not hold it up. */
  | { kind: 'fallback' }
  /** Counted; the lead waits for an operator. */
  | { kind: 'dead-letter' };

const LEDGER_WAIT_MS = 1000;
/** While a breaker is open the workers take no jobs, so this only spreads those that were being worked on: five times the base. */
const BREAKER_WAIT_BASES = 5;
/** Of a wait that is not counted: up to a quarter more, by chance. */
const SPREAD = 0.25;

/** Decides what becomes of a lead whose run failed. */
export function decideRetry(error: AppError, stage: Stage, facts: Circumstances, policy: RetryPolicy): Disposition {
  if (error.code === 'STALE_RUN') return { kind: 'superseded' };
  if (error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED') return { kind: 'wait', delayMs: LEDGER_WAIT_MS };
  if (error.code === 'WORKER_STOPPING') return { kind: 'wait', delayMs: 0 };
  if (stage === 'enrichment' && facts.deadlinePassed) return { kind: 'fallback' };
  // These two open the breaker. If it has closed again by now, the failure is no more the lead's than before.
  const refusesAll = error.class === 'rate-limited' || error.class === 'configuration';
  if (facts.breakerOpen || refusesAll) return { kind: 'wait', delayMs: BREAKER_WAIT_BASES * policy.baseMs };
  if (facts.attribution?.fault === 'downstream') {
    const doublings = Math.min(facts.attribution.failures, policy.attempts - 1);
    return { kind: 'wait', delayMs: Math.round(backoffMs(doublings, policy) * (1 + SPREAD * facts.random)) };
  }
  const last = error.class === 'permanent' || error.class === 'fallback' || facts.failures >= policy.attempts;
  if (!last) return { kind: 'retry', delayMs: backoffMs(facts.failures, policy) };
  if (stage === 'enrichment') return { kind: 'fallback' };
  return { kind: 'dead-letter' };
}

/** Sales has the lead already: waits of a re-score are sixteen times as long as those of a lead that sales has not got. */
const RESCORE_PATIENCE = 16;
/** A scorer that failed so often, hours apart by then, will not learn to read this lead. */
const RESCORE_ATTEMPTS = 10;

/** Decides what becomes of a re-score that failed; `dead-letter` means that the lead keeps its fallback score. `attempts`: this one included. */
export function decideRescore(
  error: AppError,
  stage: Stage,
  { attempts, breakerOpen }: { attempts: number; breakerOpen: boolean },
  policy: RetryPolicy,
): Exclude<Disposition, { kind: 'fallback' }> {
  if (error.code === 'STALE_RUN') return { kind: 'superseded' };
  const delayMs = RESCORE_PATIENCE * backoffMs(attempts, policy);
  const ofTheRecord = error.class === 'permanent' || error.class === 'transient' || error.class === 'fallback';
  if (breakerOpen || !ofTheRecord) return { kind: 'wait', delayMs };
  const last = attempts >= RESCORE_ATTEMPTS || (stage === 'crm-sync' && error.class === 'permanent');
  return last ? { kind: 'dead-letter' } : { kind: 'retry', delayMs };
}

/** The wait before attempt n + 1 is 2^n × base. */
export function backoffMs(failures: number, policy: RetryPolicy): number {
  return 2 ** failures * policy.baseMs;
}
