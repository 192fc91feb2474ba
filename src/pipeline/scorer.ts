import { Inject, Injectable } from '@nestjs/common';
import type { EnrichmentProvider, WastedCall } from '../enrichment/port.js';
import { scoringTimeoutMs } from '../enrichment/registry.js';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { FlowControl } from '../flow-control/flow-control.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CLOCK, CONFIG, METRICS } from '../platform/platform.module.js';
import { AI } from './downstreams.js';
import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';

/** The AI provider with a timeout. It counts the tokens against AI_DAILY_TOKEN_BUDGET. */
@Injectable()
export class Scorer {
  /** The longest that one scoring may take. */
  readonly timeoutMs: number;

  constructor(
    @Inject(AI) private readonly provider: EnrichmentProvider,
    private readonly flow: FlowControl,
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {
    this.timeoutMs = scoringTimeoutMs(config);
  }

  get name(): string {
    return this.provider.name;
  }

  /** True for a scorer that calls no other system: it needs no slot, timeout or budget. */
  get local(): boolean {
    return this.provider.local === true;
  }

  get budgetSpent(): boolean {
    return this.flow.budgetSpent;
  }

  /** @throws AppError AI_TIMEOUT, WORKER_STOPPING where `signal` was aborted, and the errors of the provider. */
  async score(lead: LeadContent, signal: AbortSignal): Promise<Enrichment> {
    const until = this.local ? signal : deadlineSignal(this.timeoutMs, signal);
    const began = this.clock.now();
    let outcome = 'failed';
    try {
      const enrichment = await ioBoundary('ai.score', lead.id, () =>
        this.provider.score(lead, until, (call) => this.countTokens(call, 0)),
      );
      outcome = 'scored';
      const { provider, model = '', usage } = enrichment;
      if (usage) this.countTokens({ provider, model, usage }, 1);
      return enrichment;
    } catch (cause) {
      // The worker ended the call itself, so the error says nothing about the lead or the model.
      if (signal.aborted) throw new AppError('WORKER_STOPPING', 'The worker stops before the model has answered.', { cause });
      if (!until.aborted) throw cause;
      throw new AppError('AI_TIMEOUT', `The model did not answer within ${this.timeoutMs} ms.`, { cause });
    } finally {
      this.metrics.stageSeconds.observe({ stage: 'enrichment', outcome }, (this.clock.now() - began) / 1000);
    }
  }

  /** @param scorings the scores that the call produced; none for a call that failed after it was paid for. */
  private countTokens({ provider, model, usage }: WastedCall, scorings: number): void {
    const { inputTokens, outputTokens, costUsd = 0 } = usage;
    this.flow.spend({ provider, model, inputTokens, outputTokens, costUsd }, scorings);
    this.metrics.aiCost.inc({ provider }, costUsd);
    this.metrics.aiTokens.inc({ provider, kind: 'input' }, inputTokens);
    this.metrics.aiTokens.inc({ provider, kind: 'output' }, outputTokens);
  }
}
