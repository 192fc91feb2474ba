import { Controller, Inject } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SlaRepository } from '../ledger/sla.repository.js';
import { QueuesService } from '../ops/queues.service.js';
import { SlaService, type SlaReport } from '../ops/sla.service.js';
import type { Clock } from '../platform/clock.js';

import { CLOCK } from '../platform/platform.module.js';
import { Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage, type Viewer } from './layout.js';
import { NowPage, type NowView, type Problem } from './pages/now.page.js';
import { Reading } from './reading.js';

const MINUTES = 60;
const KEPT_MS = 5000;

type Breakers = Awaited<ReturnType<QueuesService['breakers']>>;

/** The first page: whether leads arrive in time, and what needs a person. */
@Controller('console')
export class NowController {
  private readonly figures: Reading<[SlaReport, Breakers, Awaited<ReturnType<SlaRepository['perMinute']>>, boolean]>;

  constructor(
    private readonly viewers: ConsoleViewer,
    @Inject(CLOCK) clock: Clock,
    sla: SlaService,
    repository: SlaRepository,
    queues: QueuesService,
  ) {
    this.figures = new Reading(clock, KEPT_MS, () =>
      Promise.all([sla.report(MINUTES), queues.breakers(), repository.perMinute(MINUTES), repository.hasLeads()]),
    );
  }

  @Page('')
  async now(@PageRequest() request: FastifyRequest): Promise<string> {
    const viewer = await this.viewers.of(request);
    const [report, breakers, minutes, hasLeads] = await this.figures.read();
    const url = `${request.protocol}://${request.host}`;
    const view: NowView = {
      hasLeads,
      url,
      problems: problemsOf(report, breakers, viewer),
      slaSeconds: report.slaSeconds,
      speedToLead: report.speedToLead,
      inSla: report.speedToLead.count === 0 ? null : 1 - report.breached.synced / report.speedToLead.count,
      oldestSeconds: Math.max(...report.stages.map(({ oldestSeconds }) => oldestSeconds ?? 0)),
      forecastSeconds: report.forecastSeconds,
      arrivals: minutes.map(({ at, received }) => ({ label: clockOf(at), value: received })),
      speed: minutes.map(({ at, medianSeconds }) => ({
        label: clockOf(at),
        value: Math.round((medianSeconds ?? 0) * 100) / 100,
      })),
      stages: report.stages.map((stage) => ({
        name: stage.name,
        backlog: stage.backlog,
        oldestSeconds: stage.oldestSeconds,
        perSecond: stage.perSecond,
        state: stateOf(stage.heldBackBy),
        healthy: stage.heldBackBy === null,
      })),
      budgets: [],
    };
    return renderPage(<NowPage viewer={viewer} view={view} />);
  }
}

function stateOf(heldBackBy: 'pause' | 'breaker' | null): string {
  if (heldBackBy === 'pause') return 'paused';
  return heldBackBy === 'breaker' ? 'breaker open' : 'running';
}

function problemsOf(report: SlaReport, breakers: Breakers, { waiting }: Viewer): Problem[] {
  const problems: Problem[] = [];
  for (const { name, paused, pausedBy, breaker } of breakers) {
    const backlog = report.backlog[name];
    if (breaker.state === 'open' || breaker.state === 'half-open') {
      problems.push({
        tone: 'bad',
        title: `The circuit breaker of ${name} is open: ${breaker.code}`,
        detail: `${breaker.problem ?? ''} ${backlog} leads wait and lose no attempt.`,
        runbook: 'a-breaker-is-open',
      });
    }
    if (paused) {
      problems.push({
        tone: 'warn',
        title: `${name} is paused`,
        detail: `By ${pausedBy}. ${backlog} leads wait until it is resumed.`,
        runbook: 'a-stage-is-paused',
      });
    }
  }
  const late = report.breached.waiting;
  if (late > 0) {
    problems.push({
      tone: 'bad',
      title: `${late} ${late === 1 ? 'lead waits' : 'leads wait'} beyond the SLA`,
      detail: 'They are not in the CRM yet.',
      runbook: 'speed-to-lead-is-at-risk',
    });
  }
  if (waiting && waiting.deadLetters > 0) {
    problems.push({
      tone: 'warn',
      title: `${waiting.deadLetters} dead ${waiting.deadLetters === 1 ? 'letter waits' : 'letters wait'} for a person`,
      detail: 'The service does not try these leads again by itself.',
      runbook: 'dead-letters',
    });
  }
  if (waiting && waiting.rejections > 0) {
    problems.push({
      tone: 'warn',
      title: `${waiting.rejections} refused ${waiting.rejections === 1 ? 'request is' : 'requests are'} open`,
      detail: 'Their senders sent something that is not a lead. Repair and replay them.',
      runbook: 'webhooks-are-rejected',
    });
  }
  return problems;
}

function clockOf(at: Date): string {
  return at.toISOString().slice(11, 16);
}
