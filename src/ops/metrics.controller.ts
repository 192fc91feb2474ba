import { Controller, Get, Header, Inject } from '@nestjs/common';
import { FlowStore } from '../flow/flow-store.js';
import { Ledger } from '../ledger/ledger.js';
import { forecastOf } from '../ledger/sla/forecast.js';
import { DeadLetters } from '../recovery/dead-letters.js';
import type { Metrics } from '../platform/metrics.js';
import { METRICS } from '../platform/platform.module.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly ledger: Ledger,
    private readonly flow: FlowStore,
    private readonly deadLetters: DeadLetters,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  /** What the ledger knows is read from the ledger at each scrape: it is the same from every process. */
  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    // PostgreSQL is down: the other figures are still worth having.
    await Promise.all(
      [this.readBacklog(), this.readBreakers(), this.readDeadLetters()].map((reading) => reading.catch(() => {})),
    );
    return this.metrics.registry.metrics();
  }

  private async readBreakers(): Promise<void> {
    for (const { stage, breaker } of await this.flow.stages()) {
      this.metrics.breakerOpen.set({ stage }, breaker === 'open' || breaker === 'half-open' ? 1 : 0);
    }
  }

  private async readDeadLetters(): Promise<void> {
    const groups = await this.deadLetters.summary();
    this.metrics.deadLetters.reset();
    for (const { stage, code, count } of groups) this.metrics.deadLetters.inc({ stage, code }, count);
  }

  private async readBacklog(): Promise<void> {
    const loads = await this.ledger.sla.stageLoads();
    const forecast = forecastOf(loads);
    for (const { stage, backlog, oldestSeconds } of loads) {
      this.metrics.backlog.set({ stage }, backlog);
      this.metrics.oldestSeconds.set({ stage }, oldestSeconds);
      this.metrics.forecastSeconds.set({ stage }, forecast.stages[stage] ?? NaN);
    }
  }
}
