import { Controller, Get, Header, Inject } from '@nestjs/common';
import { AlertStore } from '../alerts/alert-store.js';
import { FirstTouchReportRepository } from '../first-touch/first-touch-report.repository.js';
import { CHANNELS } from '../first-touch/notices/notice.js';
import { NoticesRepository } from '../first-touch/notices/notices.repository.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { forecastOf } from '../ledger/forecast.js';
import { DeadLetters } from './dead-letters/dead-letters.service.js';
import { RejectionsRepository } from '../ledger/rejections.repository.js';
import { SlaRepository } from '../ledger/sla.repository.js';
import { MarketoService } from './marketo/marketo.service.js';
import type { Config } from '../platform/config/config.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CONFIG, METRICS } from '../platform/platform.module.js';

@ApiTag('Service')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly sla: SlaRepository,
    private readonly flow: FlowControlRepository,
    private readonly deadLetters: DeadLetters,
    @Inject(METRICS) private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
    private readonly rejections: RejectionsRepository,
    private readonly alerts: AlertStore,
    private readonly marketo: MarketoService,
    private readonly firstTouch: FirstTouchReportRepository,
    private readonly notices: NoticesRepository,
  ) {
    metrics.slaSeconds.set(config.SPEED_TO_LEAD_SLA_SECONDS);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'metrics',
    summary: 'The metrics, for Prometheus',
    description:
      'Gauges are read from the ledger and are the same from every process; counters and histograms are of this process.',
    answers: { 200: { means: 'The text format of Prometheus, 0.0.4.', body: { mediaType: 'text/plain', about: 'Metrics' } } },
  })
  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    // While PostgreSQL is down, the figures of this process are still useful.
    const readings = [
      this.readBacklog(),
      this.readStages(),
      this.readDeadLetters(),
      this.readRejections(),
      this.readAiBudget(),
      this.readAlerts(),
    ];
    if (this.marketo.isConfigured) readings.push(this.readMarketo());
    if (this.config.ROUTING_RULES !== undefined) readings.push(this.readFirstTouch());
    await Promise.all(readings.map((reading) => reading.catch(() => {})));
    return this.metrics.registry.metrics();
  }

  private async readStages(): Promise<void> {
    for (const { stage, breaker, pausedAt } of await this.flow.stages()) {
      this.metrics.breakerOpen.set({ stage }, breaker === 'open' || breaker === 'half-open' ? 1 : 0);
      this.metrics.stagePaused.set({ stage }, pausedAt === null ? 0 : 1);
    }
  }

  private async readRejections(): Promise<void> {
    this.metrics.rejections.set(await this.rejections.countOpenRejections());
  }

  private async readAlerts(): Promise<void> {
    this.metrics.alertsFailing.set((await this.alerts.deliveryProblem()) === null ? 0 : 1);
  }

  private async readMarketo(): Promise<void> {
    const { stages, owed, missing } = await this.marketo.figures();
    this.metrics.marketoOwed.set(owed);
    this.metrics.marketoMissing.set(missing);
    for (const { name: stage, breaker, paused } of stages) {
      this.metrics.breakerOpen.set({ stage }, breaker.open ? 1 : 0);
      this.metrics.stagePaused.set({ stage }, paused ? 1 : 0);
    }
  }

  private async readFirstTouch(): Promise<void> {
    const [overdue, problems] = await Promise.all([this.firstTouch.overdue(), this.notices.problems()]);
    this.metrics.firstTouchOverdue.set(overdue);
    for (const channel of CHANNELS)
      this.metrics.ownerNoticesFailing.set({ channel }, problems.some((problem) => problem.channel === channel) ? 1 : 0);
  }

  private async readAiBudget(): Promise<void> {
    const budget = this.config.AI_DAILY_TOKEN_BUDGET;
    if (budget !== undefined) this.metrics.aiBudget.set((await this.flow.spentToday()) / budget);
  }

  private async readDeadLetters(): Promise<void> {
    const groups = await this.deadLetters.summary();
    this.metrics.deadLetters.reset();
    for (const { stage, code, count } of groups) this.metrics.deadLetters.inc({ stage, code }, count);
  }

  private async readBacklog(): Promise<void> {
    const loads = await this.sla.stageLoads();
    const forecast = forecastOf(loads);
    for (const { stage, backlog, oldestSeconds } of loads) {
      this.metrics.backlog.set({ stage }, backlog);
      this.metrics.oldestSeconds.set({ stage }, oldestSeconds);
      this.metrics.forecastSeconds.set({ stage }, forecast.stages[stage] ?? NaN);
    }
  }
}
