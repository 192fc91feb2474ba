import { AppError } from '../errors/app-error.js';
import type { Stage } from '../lead/state.js';
import type { Claim } from '../ledger/claim-leads.js';
import { recordOf } from './settle-failure.js';
import type { PipelineTools } from './tools.js';

/** Gives up a lead that has killed CRASH_BUDGET workers while each had it alone. @returns whether it did. */
export async function buryIfItKills(tools: PipelineTools, stage: Stage, claim: Claim): Promise<boolean> {
  if (claim.crashes < tools.crashBudget) return false;
  const error = new AppError('WORKER_CRASHED', `The worker died ${claim.crashes} times while it had this lead alone in hand.`);
  await tools.ledger.recordFailure(claim, recordOf(stage, error, tools.clock.now()), null);
  tools.logger.error({ leadId: claim.id, stage, code: error.code }, 'A lead that kills its worker is a dead letter now');
  return true;
}
