import { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';
import type { Config } from '../platform/config/config.js';
import type { Attribution } from '../flow-control/downstream-evidence.js';

export interface RetryPolicy {
  /** Failures of one lead in one stage before it is dead-lettered (RETRY_ATTEMPTS). */
  attempts: number;
  /** RETRY_BASE_MS. */
  baseMs: number;
}

export function retryPolicyOf(config: Pick<Config, 'RETRY_ATTEMPTS' | 'RETRY_BASE_MS'>): RetryPolicy {
  return { attempts: config.RETRY_ATTEMPTS, baseMs: config.RETRY_BASE_MS };
}

/** The facts that the policy needs besides the error. */
export interface Circumstances {
  /** Failures of this lead in this stage, this one included. */
  failures: number;
  /** The stage's breaker is open, by this failure or since before it. */
  breakerOpen: boolean;
  /** Whether AI_DEADLINE_SECONDS have passed since the first scoring began. */
  deadlinePassed: boolean;
  /** The owner of a downstream failure (class dependency-down) while the breaker is closed; otherwise null. */
  attribution: Attribution | null;
  /** Random number from 0 to 1, drawn for this failure. It spreads the retries of leads that failed together. */
  random: number;
}

/** What happens next to a lead whose run failed. */
export type Disposition =
  /** A newer run has claimed the lead: nothing to do, nothing to record. */
  | { kind: 'superseded' }
  /** Not the lead's fault: it is returned, and no attempt is counted. */
  | { kind: 'wait'; delayMs: number }
  /** The attempt is counted, and the lead is tried again. */
  | { kind: 'retry'; delayMs: number }
  /** The lead continues with the fallback score, so that a failing AI does not delay it. */
  | { kind: 'fallback' }
  /** The attempt is counted, and the lead waits for an operator. */
  | { kind: 'dead-letter' };

const LEDGER_WAIT_MS = 1000;
/**
 * While a breaker is open the workers fetch no jobs. This wait of five times the base only spreads the jobs in
 * progress.
 */
const BREAKER_WAIT_BASES = 5;
/** Lengthens a wait that is not counted by up to a quarter, at random. */
const SPREAD = 0.25;

/** Decides what becomes of a lead whose run failed. */
export function decideRetry(error: AppError, stage: Stage, facts: Circumstances, policy: RetryPolicy): Disposition {
  if (error.code === 'STALE_RUN') return { kind: 'superseded' };
  if (error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED') return { kind: 'wait', delayMs: LEDGER_WAIT_MS };
  if (error.code === 'WORKER_STOPPING') return { kind: 'wait', delayMs: 0 };
  if (stage === 'enrichment' && facts.deadlinePassed) return { kind: 'fallback' };
  // Both open the breaker. If it has closed meanwhile, the failure is still not the lead's.
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

/** Sales already has the lead, so a re-score waits sixteen times as long as a first scoring. */
const RESCORE_PATIENCE = 16;
/** By then the attempts are hours apart, and another one is unlikely to succeed. */
const RESCORE_ATTEMPTS = 10;

/**
 * Decides what happens after a failed re-score. `dead-letter` means that the lead keeps its fallback score. `attempts`
 * includes this one.
 */
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
