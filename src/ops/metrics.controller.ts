import { Controller, Get, Header, Inject } from '@nestjs/common';
import { STAGES } from '../lead/state.js';
import { Ledger } from '../ledger/ledger.js';
import type { Metrics } from '../platform/metrics.js';
import { METRICS } from '../platform/platform.module.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly ledger: Ledger,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  /** The backlog is read from the ledger at each scrape: it is the same from every process. */
  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    await this.readBacklog().catch(() => {}); // PostgreSQL is down: the other figures are still worth having
    return this.metrics.registry.metrics();
  }

  private async readBacklog(): Promise<void> {
    const rows = await this.ledger.backlog();
    for (const stage of STAGES) {
      const row = rows.find((candidate) => candidate.stage === stage);
      this.metrics.backlog.set({ stage }, row?.count ?? 0);
      this.metrics.oldestSeconds.set({ stage }, row?.oldest ?? 0);
    }
  }
}
