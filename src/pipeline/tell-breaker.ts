import type { AppError } from '../domain/app-error.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { BreakerReason } from '../flow-control/stage-row.js';
import type { Stage } from '../domain/lead-state.js';
import type { PipelineTools } from './pipeline-context.js';

/** Tells the stage's breaker what a failed call says about the downstream. @returns whether the breaker is open now. */
export async function recordBreakerResult(
  tools: Pick<PipelineTools, 'flow'>,
  stage: Stage,
  permit: CallPermit,
  error: AppError,
): Promise<boolean> {
  const gate = tools.flow.breakers[stage];
  const reason = reasonOf(error, permit, gate.reason?.reason ?? null);
  if (reason === 'answered') permit.succeeded(false);
  if (reason === 'says-nothing') permit.cancelled();
  if (reason === 'answered' || reason === 'says-nothing') return gate.open;
  return permit.failed(error, reason);
}

function reasonOf(
  error: AppError,
  permit: CallPermit,
  openFor: BreakerReason | null,
): BreakerReason | 'answered' | 'says-nothing' {
  switch (error.class) {
    case 'rate-limited':
    case 'configuration':
      return error.class;
    case 'dependency-down':
      return error.code === 'LEDGER_UNAVAILABLE' || error.code === 'LEDGER_OVERLOADED' ? 'says-nothing' : 'dependency-down';
    case 'permanent':
    case 'transient':
    case 'fallback':
      break;
    default:
      return 'says-nothing';
  }
  // The setting that opened the breaker is still as it was.
  if (error.signature && permit.probe && openFor === 'configuration') return 'configuration';
  if (error.code === 'AI_TIMEOUT') return permit.probe ? 'dependency-down' : 'says-nothing';
  return error.code === 'UNEXPECTED' ? 'says-nothing' : 'answered';
}
