import { Controller, Inject, Param, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Stage } from '../domain/lead-state.js';
import { QueuesService } from '../ops/queues.service.js';
import { SlaService } from '../ops/sla.service.js';
import type { Config } from '../platform/config/config.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { CONFIG } from '../platform/platform.module.js';
import { ActionForm, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { StagesPage, type StageView } from './pages/stages.page.js';

const ABOUT = { enrichment: 'scores leads', 'crm-sync': 'writes leads to the CRM' };
const BACKENDS: Record<string, string> = { redis: 'Redis', postgres: 'PostgreSQL' };

/** Both stages: their queues, breakers and rates, with pause and resume. */
@Controller('console/stages')
export class ConsoleStagesController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly queues: QueuesService,
    private readonly sla: SlaService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Page('')
  async stages(@PageRequest() request: FastifyRequest): Promise<string> {
    // The queue store may be down, and this page is where an operator looks then.
    const [viewer, breakers, counted, report, workers] = await Promise.all([
      this.viewers.of(request),
      this.queues.breakers(),
      this.queues.list().catch(() => null),
      this.sla.report(60),
      this.queues.livingWorkers(),
    ]);
    const stages = breakers.map((stage): StageView => {
      const counts = counted?.items.find(({ name }) => name === stage.name) ?? null;
      const load = report.stages.find(({ name }) => name === stage.name);
      return {
        name: stage.name,
        about: ABOUT[stage.name],
        paused: stage.paused ? { by: stage.pausedBy ?? '', at: iso(stage.pausedAt) ?? '' } : null,
        breaker: {
          state: stage.breaker.state,
          reason: stage.breaker.reason,
          code: stage.breaker.code,
          explanation: stage.breaker.problem,
          answer: stage.breaker.answer,
          openedAt: iso(stage.breaker.openedAt),
          nextProbeAt: iso(stage.breaker.nextProbeAt),
        },
        counts,
        oldestSeconds: load?.oldestSeconds ?? null,
        perSecond: load?.perSecond ?? null,
        rateShare: stage.rateShare,
        ...limitsOf(stage.name, this.config),
      };
    });
    const view = {
      backend: BACKENDS[this.queues.backendKind]!,
      stages,
      workers,
      boardHref: this.config.QUEUE_BOARD === 'on' ? '/ops/queues/board' : null,
    };
    return renderPage(<StagesPage viewer={viewer} view={view} />);
  }

  @ActionForm(':name/pause')
  async pause(@Param('name') name: string, @CurrentOperator() by: Operator, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.queues.pause(name, by.name);
    return seeOther(reply, '/console/stages');
  }

  @ActionForm(':name/resume')
  async resume(@Param('name') name: string, @CurrentOperator() by: Operator, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.queues.resume(name, by.name);
    return seeOther(reply, '/console/stages');
  }
}

/** The heuristic and the mock CRM make no calls. */
function limitsOf(stage: Stage, config: Config): Pick<StageView, 'rateLimit' | 'concurrency'> {
  if (stage === 'enrichment') {
    const rateLimit = config.AI_PROVIDER === 'heuristic' ? null : config.AI_RATE_LIMIT_PER_SECOND;
    return { rateLimit, concurrency: config.AI_CONCURRENCY };
  }
  const rateLimit = config.CRM_PROVIDER === 'postgres' ? null : config.CRM_RATE_LIMIT_PER_SECOND;
  return { rateLimit, concurrency: config.CRM_CONCURRENCY };
}

function iso(at: Date | string | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
