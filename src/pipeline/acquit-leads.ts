import type { AppError } from '../domain/app-error.js';
import type { Stage } from '../domain/lead-state.js';
import type { PipelineTools } from './pipeline-context.js';

/** So many distinct leads with one signature, and no success among them, mean a setting and not the leads. */
const LEADS_THAT_SHOW_A_SETTING = 3;

/** Calls overlap: one that succeeded may have been entered a moment after one that failed. */
const OVERLAP_MS = 2000;

type AcquitTools = Pick<PipelineTools, 'results' | 'flow' | 'logger'>;

/** The downstream was down, and no lead's fault: what it has cost them since it last succeeded is given back. */
export async function refundAttempts(tools: AcquitTools, stage: Stage): Promise<void> {
  const success = dateOf(tools.flow.breakers[stage].lastSuccessAt);
  const since = success && new Date(success.getTime() - OVERLAP_MS);
  const count = await tools.results.refundAttempts({ stage, since, signature: null });
  if (count > 0) tools.logger.info({ stage, count }, 'Leads have the attempts back that the outage cost them');
}

/** One admin's change in the CRM must not bury every lead: the breaker opens, and those that it buried live again. */
export async function openOnSharedFailure(tools: AcquitTools, stage: Stage, error: AppError, signature: string): Promise<void> {
  const gate = tools.flow.breakers[stage];
  const refund = { stage, since: dateOf(gate.lastAnswerAt), signature };
  const known = gate.open && gate.reason?.reason === 'configuration';
  if (!known && (await tools.results.countDeadWith(refund)) < LEADS_THAT_SHOW_A_SETTING) return;
  if (!known) await gate.trip('configuration', error);
  const count = await tools.results.refundAttempts(refund);
  tools.logger.error(
    { stage, code: error.code, problem: error.message, answer: error.answer, signature, count },
    'Several leads failed alike, so a setting of the downstream is at fault; they wait again and have their attempts back',
  );
}

function dateOf(at: number): Date | null {
  return at > 0 ? new Date(at) : null;
}
