import { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';
import type { Claim } from '../ledger/claims.repository.js';
import { recordOf } from './failure-handler.js';
import type { PipelineTools } from './pipeline-context.js';

/** Gives up a lead that has killed CRASH_BUDGET workers while each had it alone. @returns whether it did. */
export async function deadLetterIfPoison(tools: PipelineTools, stage: Stage, claim: Claim): Promise<boolean> {
  if (claim.crashes < tools.crashBudget) return false;
  const error = new AppError('WORKER_CRASHED', `The worker died ${claim.crashes} times while it had this lead alone in hand.`);
  await tools.results.recordFailure(claim, recordOf(stage, error, tools.clock.now()), null);
  tools.logger.error({ leadId: claim.id, stage, code: error.code }, 'A lead that kills its worker is a dead letter now');
  return true;
}
