import { Controller, Inject, type OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SlaRepository, type MinuteFigures } from '../ledger/sla.repository.js';
import { AttentionService, type AttentionReport } from '../ops/attention.service.js';
import { BudgetsService, type Budget } from '../ops/budgets.service.js';
import { QueuesService } from '../ops/queues.service.js';
import { SlaService, type SlaReport } from '../ops/sla.service.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { NowPage, type NowView } from './pages/now.page.js';
import { problemsOf, type Breakers } from './problems.js';
import { Reading } from './reading.js';

const MINUTES = 60;
const KEPT_MS = 5000;

/** The first page: whether leads arrive in time, and what needs a person. */
@Controller('console')
export class NowController implements OnApplicationBootstrap {
  private readonly figures: Reading<[SlaReport, Breakers, MinuteFigures[], boolean, Budget[], number, AttentionReport]>;

  constructor(
    private readonly viewers: ConsoleViewer,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) clock: Clock,
    sla: SlaService,
    repository: SlaRepository,
    queues: QueuesService,
    budgets: BudgetsService,
    attention: AttentionService,
  ) {
    const read = () =>
      Promise.all([
        sla.report(MINUTES),
        queues.breakers(),
        repository.perMinute(MINUTES),
        repository.hasLeads(),
        budgets.report(),
        queues.livingWorkers(),
        attention.report(),
      ]);
    // Who sends the first lead and then looks must not be told that none has arrived.
    this.figures = new Reading(clock, KEPT_MS, read, ([, , , hasLeads]) => hasLeads);
  }

  /** The first reading opens connections and may count a large backlog: its reader should not wait for that. */
  onApplicationBootstrap(): void {
    void this.figures.read().catch(() => {}); // the page reads again
  }

  @Page('')
  async now(@PageRequest() request: FastifyRequest): Promise<string> {
    const viewer = await this.viewers.of(request);
    const [report, breakers, minutes, hasLeads, budgets, workers, attention] = await this.figures.read();
    const url = `${request.protocol}://${request.host}`;
    const view: NowView = {
      hasLeads,
      url,
      needsSecret: this.config.WEBHOOK_SECRETS !== undefined,
      problems: problemsOf({ ...attention, report, breakers, budgets, workers, waiting: viewer.waiting }),
      slaSeconds: report.slaSeconds,
      speedToLead: report.speedToLead,
      inSla: inSlaOf(report),
      oldestSeconds: Math.max(...report.stages.map(({ oldestSeconds }) => oldestSeconds ?? 0)),
      forecastSeconds: report.forecastSeconds,
      arrived: minutes.reduce((sum, { received }) => sum + received, 0),
      arrivals: minutes.map(({ at, received }) => ({ label: clockOf(at), value: received })),
      speed: minutes.map(({ at, medianSeconds }) => ({
        label: clockOf(at),
        value: medianSeconds === null ? null : Math.round(medianSeconds * 100) / 100,
      })),
      stages: report.stages.map((stage) => ({
        name: stage.name,
        backlog: stage.backlog,
        oldestSeconds: stage.oldestSeconds,
        perSecond: stage.perSecond,
        state: stateOf(stage.heldBackBy),
        healthy: stage.heldBackBy === null,
      })),
      budgets,
    };
    return renderPage(<NowPage viewer={viewer} view={view} />);
  }
}

/** A lead that still waits beyond the SLA, or is dead, counts as one that arrived late. */
function inSlaOf({ speedToLead, breached, breaches }: SlaReport): NowView['inSla'] {
  const of = speedToLead.count + breached.waiting + breached.dead;
  return { of, share: of === 0 ? null : 1 - breaches / of };
}

function stateOf(heldBackBy: 'pause' | 'breaker' | null): string {
  if (heldBackBy === 'pause') return 'paused';
  return heldBackBy === 'breaker' ? 'breaker open' : 'running';
}

function clockOf(at: Date): string {
  return `${at.toISOString().slice(11, 16)} UTC`;
}
