import { Controller, Inject } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SlaRepository, type MinuteFigures } from '../ledger/sla.repository.js';
import { BudgetsService, type Budget } from '../ops/budgets.service.js';
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
  private readonly figures: Reading<[SlaReport, Breakers, MinuteFigures[], boolean, Budget[], number]>;

  constructor(
    private readonly viewers: ConsoleViewer,
    @Inject(CLOCK) clock: Clock,
    sla: SlaService,
    repository: SlaRepository,
    queues: QueuesService,
    budgets: BudgetsService,
  ) {
    this.figures = new Reading(clock, KEPT_MS, () =>
      Promise.all([
        sla.report(MINUTES),
        queues.breakers(),
        repository.perMinute(MINUTES),
        repository.hasLeads(),
        budgets.report(),
        queues.livingWorkers(),
      ]),
    );
  }

  @Page('')
  async now(@PageRequest() request: FastifyRequest): Promise<string> {
    const viewer = await this.viewers.of(request);
    const [report, breakers, minutes, hasLeads, budgets, workers] = await this.figures.read();
    const url = `${request.protocol}://${request.host}`;
    const view: NowView = {
      hasLeads,
      url,
      problems: problemsOf({ report, breakers, budgets, workers }, viewer),
      slaSeconds: report.slaSeconds,
      speedToLead: report.speedToLead,
      inSla: report.speedToLead.count === 0 ? null : 1 - report.breached.synced / report.speedToLead.count,
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

function stateOf(heldBackBy: 'pause' | 'breaker' | null): string {
  if (heldBackBy === 'pause') return 'paused';
  return heldBackBy === 'breaker' ? 'breaker open' : 'running';
}

interface Facts {
  report: SlaReport;
  breakers: Breakers;
  budgets: Budget[];
  workers: number;
}

/** What a person should look at, the most urgent first. */
export function problemsOf({ report, breakers, budgets, workers }: Facts, { waiting }: Pick<Viewer, 'waiting'>): Problem[] {
  const late = report.breached.waiting;
  const lateness: Problem[] =
    late === 0
      ? []
      : [
          {
            tone: 'bad',
            title: `${leads(late)} ${late === 1 ? 'waits' : 'wait'} beyond the SLA`,
            detail: 'They are not in the CRM yet.',
            href: '/console/leads?state=received&sort=oldest',
            link: 'Show the oldest',
            runbook: 'speed-to-lead-is-at-risk',
          },
        ];
  return [
    ...(workers === 0 ? [NO_WORKER] : []),
    ...breakers.flatMap((stage) => stageProblems(stage, report.backlog[stage.name])),
    ...lateness,
    ...budgets.flatMap(budgetProblem),
    ...waitingProblems(waiting),
  ];
}

const NO_WORKER: Problem = {
  tone: 'bad',
  title: 'No worker is running',
  detail: 'Leads are accepted and wait. Start a process with ROLE=worker or ROLE=all.',
  href: '/console/stages',
  link: 'Open Stages',
  runbook: 'a-queue-does-not-move',
};

function stageProblems({ name, paused, pausedBy, breaker }: Breakers[number], backlog: number): Problem[] {
  const problems: Problem[] = [];
  const place = { href: '/console/stages', link: 'Open Stages' };
  if (breaker.state === 'open' || breaker.state === 'half-open') {
    problems.push({
      tone: 'bad',
      title: `The circuit breaker of ${name} is open: ${breaker.code}`,
      detail: `${breaker.problem ?? ''} ${leads(backlog)} ${backlog === 1 ? 'waits and loses' : 'wait and lose'} no attempt.`,
      ...place,
      runbook: 'a-breaker-is-open',
    });
  }
  if (paused) {
    problems.push({
      tone: 'warn',
      title: `${name} is paused`,
      detail: `By ${pausedBy}. ${leads(backlog)} ${backlog === 1 ? 'waits' : 'wait'} until it is resumed.`,
      ...place,
      runbook: 'a-stage-is-paused',
    });
  }
  return problems;
}

function budgetProblem({ of, name, share, warnFrom, text }: Budget): Problem[] {
  if (share === null || warnFrom === null || share < warnFrom) return [];
  return [
    {
      tone: share >= 1 ? 'bad' : 'warn',
      title: `${name}: ${Math.round(share * 100)} % of the budget is used`,
      detail: text,
      href: '/console/stages',
      link: 'Open Stages',
      runbook: of === 'ai' ? 'the-ai-budget-runs-out' : 'the-crm-api-budget-runs-out',
    },
  ];
}

function waitingProblems(waiting: Viewer['waiting']): Problem[] {
  const problems: Problem[] = [];
  if (waiting && waiting.deadLetters > 0) {
    problems.push({
      tone: 'warn',
      title: `${waiting.deadLetters} dead ${waiting.deadLetters === 1 ? 'letter waits' : 'letters wait'} for a person`,
      detail: 'The service does not try these leads again by itself.',
      href: '/console/dead-letters',
      link: 'Open Dead letters',
      runbook: 'dead-letters',
    });
  }
  if (waiting && waiting.rejections > 0) {
    problems.push({
      tone: 'warn',
      title: `${waiting.rejections} refused ${waiting.rejections === 1 ? 'request is' : 'requests are'} open`,
      detail: 'Their senders sent something that is not a lead. Repair and replay them.',
      href: '/console/rejections',
      link: 'Open Rejections',
      runbook: 'webhooks-are-rejected',
    });
  }
  return problems;
}

function leads(count: number): string {
  return count === 1 ? '1 lead' : `${count} leads`;
}

function clockOf(at: Date): string {
  return at.toISOString().slice(11, 16);
}
