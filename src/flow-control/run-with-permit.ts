import { AppError } from '../domain/app-error.js';
import type { CallPermit, CircuitBreaker } from './circuit-breaker.js';
import type { Attribution } from './downstream-evidence.js';
import type { BreakerReason } from './stage-row.js';

/** A failed call of the downstream, which has been reported to the breaker. */
export class FailedCall extends Error {
  override readonly name = 'FailedCall';

  constructor(
    readonly error: AppError,
    /** The stage's breaker is open, by this failure or since before it. */
    readonly breakerOpen: boolean,
    /** The owner of a failure of class dependency-down while the breaker is closed; otherwise null. */
    readonly attribution: Attribution | null,
  ) {
    super(error.message, { cause: error });
  }
}

/**
 * Makes one call of the downstream and settles its permit, whether the call succeeds or fails.
 * @throws FailedCall; AppError LEDGER_UNAVAILABLE where the breaker could not be opened.
 */
export async function runWithPermit<T>(
  breaker: CircuitBreaker,
  permit: CallPermit,
  leadId: string,
  call: () => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await call();
  } catch (cause) {
    throw await failedCall(breaker, permit, leadId, AppError.from(cause));
  }
  permit.succeeded(true, leadId);
  return result;
}

async function failedCall(breaker: CircuitBreaker, permit: CallPermit, leadId: string, error: AppError): Promise<FailedCall> {
  const verdict = verdictOn(error, permit, breaker.reason?.reason ?? null);
  if (verdict === 'answered') permit.succeeded(false);
  if (verdict === 'inconclusive') permit.cancelled();
  if (verdict === 'answered' || verdict === 'inconclusive') return new FailedCall(error, breaker.isOpen, null);
  const breakerOpen = await permit.failed(error, verdict);
  const shared = !breakerOpen && error.class === 'dependency-down';
  return new FailedCall(error, breakerOpen, shared ? breaker.attribute(leadId, error) : null);
}

/** What an error says about the downstream. */
function verdictOn(
  error: AppError,
  permit: CallPermit,
  openFor: BreakerReason | null,
): BreakerReason | 'answered' | 'inconclusive' {
  switch (error.class) {
    case 'rate-limited':
    case 'configuration':
      return error.class;
    case 'dependency-down':
      return error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED' ? 'inconclusive' : 'dependency-down';
    case 'permanent':
    case 'transient':
    case 'fallback':
      break;
    default:
      return 'inconclusive';
  }
  // The configuration error that opened the breaker persists.
  if (error.signature && permit.probe && openFor === 'configuration') return 'configuration';
  if (error.code === 'AI_TIMEOUT') return permit.probe ? 'dependency-down' : 'inconclusive';
  return error.code === 'UNEXPECTED' ? 'inconclusive' : 'answered';
}
