import { AppError } from '../domain/app-error.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import type { CallPermit } from '../flow-control/circuit-breaker.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { ClaimedLead } from '../ledger/claims.repository.js';
import { traced } from '../platform/observability/tracing.js';
import type { JobOutcome, JobReference } from '../queue/job.js';
import type { ModelSlots } from './model-slots.js';
import { askScorer, type ScorerTools } from './score-lead.js';
import { deadLetterIfPoison } from './bury-if-it-kills.js';
import { handleFailure } from './failure-handler.js';
import { neutralFallback, heuristicFallback } from './stand-in-score.js';
import { eventOf, spanOf } from './stage-telemetry.js';
import type { PipelineTools } from './pipeline-context.js';

/** A late lead has no deadline left to meet, but takes a turn that is free. */
const LATE_WAIT_MS = 1000;
/** A job that came just as the stage was paused, or stood in the line then. */
const HELD_BACK_WAIT_MS = 1000;

export interface EnrichTools extends PipelineTools, ScorerTools {
  /** What ranks the leads before the model, and stands in for it. Its scores cost nothing. */
  heuristic: EnrichmentProvider;
  turns: ModelSlots;
  /** AI_DEADLINE_SECONDS, in milliseconds */
  deadlineMs: number;
  /** SPEED_TO_LEAD_SLA_SECONDS, in milliseconds */
  slaMs: number;
}

/** Brings one lead from received to enriched, and announces it to the next stage. */
export async function enrichLead(tools: EnrichTools, reference: JobReference, signal: AbortSignal): Promise<JobOutcome> {
  if (tools.flow.breakers.enrichment.paused) return { kind: 'wait', delayMs: HELD_BACK_WAIT_MS };
  const claim = await tools.claims.claimForEnrichment(reference).catch(AppError.from);
  if (!claim) return { kind: 'done' };
  if (claim instanceof AppError) return handleFailure(tools, { stage: 'enrichment', claim: null, error: claim });
  return traced(spanOf('enrich lead', claim), () => enrichClaimed(tools, claim, signal));
}

async function enrichClaimed(tools: EnrichTools, claim: ClaimedLead, signal: AbortSignal): Promise<JobOutcome> {
  try {
    if (await deadLetterIfPoison(tools, 'enrichment', claim)) return { kind: 'dead', code: 'WORKER_CRASHED' };
    return await (tools.provider.local ? enrich(tools, claim, null, signal) : enrichInTurn(tools, claim, signal));
  } catch (error) {
    return fail(tools, claim, AppError.from(error), null);
  }
}

/** Waits in the line before the model, for as long as the lead can afford. */
async function enrichInTurn(tools: EnrichTools, claim: ClaimedLead, signal: AbortSignal): Promise<JobOutcome> {
  if (tools.spending.budgetSpent) return goOnWithoutBudget(tools, claim);
  const ranking = await tools.heuristic.score(claim, signal);
  const now = tools.clock.now();
  const untilHalfOfSla = Math.max(claim.contentAt.getTime() + tools.slaMs / 2 - now, LATE_WAIT_MS);
  const untilDeadline = deadlineOf(tools, claim) - now;
  const turn = await tools.turns.take({ rank: ranking.fitScore, waitMs: Math.min(untilHalfOfSla, untilDeadline), signal });
  if (turn === 'given-up') {
    await tools.claims.release(claim).catch(() => {}); // PostgreSQL is away: the next claim takes it over
    return { kind: 'wait', delayMs: HELD_BACK_WAIT_MS };
  }
  tools.metrics.aiTurns.inc({ outcome: turn === 'missed' ? 'missed' : 'taken' });
  if (turn === 'missed') return goOnWithoutTurn(tools, claim, ranking, untilDeadline <= untilHalfOfSla);
  try {
    if (!tools.spending.budgetSpent) return await enrich(tools, claim, turn.permit, signal);
    turn.permit.cancelled();
    return await goOnWithoutBudget(tools, claim);
  } finally {
    turn.end();
  }
}

/** In an outage the lead has waited until its deadline and gets 50; where others came first, it has the heuristic's score. */
async function goOnWithoutTurn(
  tools: EnrichTools,
  claim: ClaimedLead,
  ranking: Enrichment,
  atDeadline: boolean,
): Promise<JobOutcome> {
  const outage = tools.flow.breakers.enrichment.reason;
  if (outage && atDeadline) {
    await goOnWithFallback(tools, claim, new AppError(outage.code, 'The model could not be asked in time.'));
  } else {
    tools.metrics.aiFallbacks.inc({ reason: 'AI_OVERLOADED' });
    await checkpoint(tools, claim, heuristicFallback(ranking));
  }
  return { kind: 'done' };
}

async function goOnWithoutBudget(tools: EnrichTools, claim: ClaimedLead): Promise<JobOutcome> {
  await goOnWithFallback(tools, claim, new AppError('AI_BUDGET_SPENT', 'The tokens of the day are used up.'));
  return { kind: 'done' };
}

/** Isolated until the outcome is in the ledger: whoever comes next and kills the worker must not take this lead for the culprit. */
function enrich(tools: EnrichTools, claim: ClaimedLead, permit: CallPermit | null, signal: AbortSignal): Promise<JobOutcome> {
  return tools.isolation.run(claim.suspicions, async (alone) => {
    let asked = permit;
    try {
      if (alone) await tools.claims.markExclusive(claim);
      const enrichment = await askScorer(tools, claim, signal);
      asked?.succeeded(true, claim.id);
      asked = null;
      await checkpoint(tools, claim, enrichment);
      return { kind: 'done' };
    } catch (error) {
      return fail(tools, claim, AppError.from(error), asked);
    }
  });
}

function fail(tools: EnrichTools, claim: ClaimedLead, error: AppError, permit: CallPermit | null): Promise<JobOutcome> {
  const deadlinePassed = tools.clock.now() >= deadlineOf(tools, claim);
  const fallback = () => goOnWithFallback(tools, claim, error);
  return handleFailure(tools, { stage: 'enrichment', claim, error, permit, deadlinePassed, fallback });
}

async function goOnWithFallback(tools: EnrichTools, claim: ClaimedLead, reason: AppError): Promise<void> {
  await checkpoint(tools, claim, neutralFallback(tools.provider.name, reason));
  tools.metrics.aiFallbacks.inc({ reason: reason.code });
}

/** Checkpoint first: a CRM retry must not buy a second AI call. */
async function checkpoint(tools: EnrichTools, claim: ClaimedLead, enrichment: Enrichment): Promise<void> {
  const epoch = await tools.results.checkpoint(claim, enrichment);
  const { fitScore, intent, scoreSource, provider, flags, usage } = enrichment;
  tools.logger.info(
    {
      ...eventOf(tools, 'enrichment', 'enriched', claim),
      fitScore,
      intent,
      scoreSource,
      provider,
      flags,
      costUsd: usage?.costUsd,
    },
    'A lead was scored',
  );
  tools.publisher.publish('crm-sync', { leadId: claim.id, epoch, since: claim.contentAt.getTime(), low: claim.lowPriority });
}

function deadlineOf(tools: EnrichTools, claim: ClaimedLead): number {
  return (claim.firstScoringAt?.getTime() ?? tools.clock.now()) + tools.deadlineMs;
}
