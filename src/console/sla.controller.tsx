import { Controller, Inject, Query } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SlaRepository, WAITING_COUNTED, type CampaignFigures } from '../ledger/sla.repository.js';
import { slaWindowSchema } from '../ops/reports.schemas.js';
import { SlaService, type SlaReport } from '../ops/sla.service.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { shortDuration } from './components/time.js';
import { renderPage } from './layout.js';
import { SlaPage, type SlaView } from './pages/sla.page.js';
import { Reading } from './reading.js';

const KEPT_MS = 5000;
const WINDOWS = [
  { minutes: 60, label: '1 hour' },
  { minutes: 360, label: '6 hours' },
  { minutes: 1440, label: '24 hours' },
];

/** Speed to lead over a window, and what breached the SLA. */
@Controller('console/sla')
export class ConsoleSlaController {
  private readonly readings: Map<number, Reading<[SlaReport, CampaignFigures[]]>>;

  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly sla: SlaService,
    private readonly repository: SlaRepository,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) clock: Clock,
  ) {
    const readings = WINDOWS.map(({ minutes }) => [minutes, new Reading(clock, KEPT_MS, () => this.figuresOf(minutes))] as const);
    this.readings = new Map(readings);
  }

  @Page('')
  async report(
    @Query({ schema: slaWindowSchema }) { minutes }: z.output<typeof slaWindowSchema>,
    @PageRequest() request: FastifyRequest,
  ): Promise<string> {
    const [viewer, [report, campaigns]] = await Promise.all([
      this.viewers.of(request),
      this.readings.get(minutes)?.read() ?? this.figuresOf(minutes),
    ]);
    const { slaSeconds, speedToLead, breached, backlog } = report;
    const view: SlaView = {
      minutes,
      windows: WINDOWS,
      slaSeconds,
      count: speedToLead.count,
      speedToLead,
      breaches: {
        total: report.breaches,
        causes: [
          { cause: 'reached the CRM too late', count: breached.synced },
          { cause: 'still waiting', count: breached.waiting },
          { cause: 'dead letter', count: breached.dead },
        ].filter(({ count }) => count > 0),
      },
      histogram: report.histogram.map(({ upTo, count }, index) => ({
        label: upTo === null ? `> ${shortDuration(report.histogram[index - 1]!.upTo!)}` : shortDuration(upTo),
        value: count,
        late: upTo === null || upTo > slaSeconds,
      })),
      stages: report.stages.map(({ name, p50, p95, p99, max, backlog, heldBackBy }) => ({
        name,
        percentiles: { p50, p95, p99, max },
        backlog,
        heldBackBy,
      })),
      campaigns,
      waitingCounted: backlog['enrichment'] + backlog['crm-sync'] > WAITING_COUNTED ? WAITING_COUNTED : null,
    };
    return renderPage(<SlaPage viewer={viewer} view={view} />);
  }

  private figuresOf(minutes: number): Promise<[SlaReport, CampaignFigures[]]> {
    const { SPEED_TO_LEAD_SLA_SECONDS } = this.config;
    return Promise.all([this.sla.report(minutes), this.repository.byCampaign(minutes, SPEED_TO_LEAD_SLA_SECONDS)]);
  }
}
