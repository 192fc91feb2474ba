import type { EnrichmentProvider, WastedCall } from '../enrichment/port.js';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { Spending } from '../flow-control/ai-spend.js';
import type { LeadContent } from '../domain/lead.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { PipelineTools } from './pipeline-context.js';

export interface ScorerTools extends Pick<PipelineTools, 'clock' | 'metrics'> {
  provider: EnrichmentProvider;
  /** What the model has cost today, against AI_DAILY_TOKEN_BUDGET. */
  spending: { readonly budgetSpent: boolean; spend(spending: Spending, scorings: number): void };
  /** AI_TIMEOUT_MS */
  timeoutMs: number;
}

/**
 * One call of the scorer, timed, measured and paid for.
 * @throws AppError AI_TIMEOUT, and what the provider throws.
 */
export async function askScorer(tools: ScorerTools, lead: LeadContent, signal: AbortSignal): Promise<Enrichment> {
  // A scorer that asks nobody answers before any timer could: it is spared the making of one, each time.
  const timeout = tools.provider.local ? null : AbortSignal.timeout(tools.timeoutMs);
  const until = timeout ? AbortSignal.any([signal, timeout]) : signal;
  const began = tools.clock.now();
  let outcome = 'failed';
  try {
    const enrichment = await ioBoundary('ai.score', lead.id, () =>
      tools.provider.score(lead, until, (call) => countTokens(tools, call, 0)),
    );
    outcome = 'scored';
    const { provider, model = '', usage } = enrichment;
    if (usage) countTokens(tools, { provider, model, usage }, 1);
    return enrichment;
  } catch (cause) {
    if (!timeout?.aborted) throw cause;
    throw new AppError('AI_TIMEOUT', `The model did not answer within ${tools.timeoutMs} ms.`, { cause });
  } finally {
    tools.metrics.stageSeconds.observe({ stage: 'enrichment', outcome }, (tools.clock.now() - began) / 1000);
  }
}

/** @param scorings that came of it: none of a call that was paid for in vain. */
function countTokens({ spending, metrics }: ScorerTools, { provider, model, usage }: WastedCall, scorings: number): void {
  const { inputTokens, outputTokens, costUsd = 0 } = usage;
  spending.spend({ provider, model, inputTokens, outputTokens, costUsd }, scorings);
  metrics.aiCost.inc({ provider }, costUsd);
  metrics.aiTokens.inc({ provider, kind: 'input' }, inputTokens);
  metrics.aiTokens.inc({ provider, kind: 'output' }, outputTokens);
}
