import { Inject, Injectable } from '@nestjs/common';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { CrmProvider } from '../crm/port.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import type { LeadHandler } from '../queue/job.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { latePromotions } from '../queue/priority.js';
import type { QueueBackend, StageWorker } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { CRM } from './downstreams.js';
import { CrmSyncProcessor } from './crm-sync.processor.js';
import { EnrichmentProcessor } from './enrichment.processor.js';
import { RescorePoller } from './rescore.poller.js';
import { Scorer } from './scorer.js';
import { StageRunner } from './stage-runner.js';

/** Leaves enough of the ten seconds that a stop may take for the steps that follow. */
const CLOSE_WITHIN_MS = 4000;
/** Leads that may wait for a model slot: enough to choose the best of those that half an SLA can serve. */
export const WAITING_FOR_MODEL = 1000;
/** While the queue store does not answer, the sweeper adds the jobs. */
const PUBLISHED_WITHIN_MS = 1000;
/** Leads in progress with a local scorer. It needs no protection, and leads that share a statement cost less. */
const LOCAL_AT_ONCE = 200;

/** One BullMQ worker per stage. As many leads are in progress as the flow control permits. */
@Injectable()
export class WorkerHost {
  private readonly handlers: Record<Stage, LeadHandler>;
  private workers: Partial<Record<Stage, StageWorker>> = {};
  private endedBefore: Partial<Record<Stage, number>> = {};
  private readonly promoting = new Set<Stage>();

  constructor(
    private readonly flow: FlowControl,
    private readonly scorer: Scorer,
    private readonly rescores: RescorePoller,
    private readonly store: FlowControlRepository,
    private readonly publisher: JobPublisher,
    runner: StageRunner,
    enrichment: EnrichmentProcessor,
    crmSync: CrmSyncProcessor,
    @Inject(CRM) private readonly crm: Pick<CrmProvider, 'expectMore'>,
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LEASE_MS' | 'SPEED_TO_LEAD_SLA_SECONDS'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.handlers = { enrichment: runner.handlerOf(enrichment), 'crm-sync': runner.handlerOf(crmSync) };
  }

  async start(): Promise<void> {
    const { backend, flow, config } = this;
    await flow.start();
    for (const stage of STAGES) {
      const settings = {
        name: this.store.worker,
        concurrency: this.concurrencyOf(stage),
        leaseMs: config.LEASE_MS,
        lateAfterMs: config.SPEED_TO_LEAD_SLA_SECONDS * 1000,
        // If this worker dies before, the job is still active, and its leads get new jobs.
        beforeEnd: () => withTimeout(this.publisher.idle(), PUBLISHED_WITHIN_MS),
      };
      this.workers[stage] = await backend.startWorker(stage, this.handlers[stage], settings);
    }
    this.crm.expectMore?.((waiting) => this.workers['crm-sync']?.moreFollow(waiting) ?? false);
    flow.onChange(() => this.adjust());
    this.adjust();
    this.rescores.start();
    this.logger.debug('The stage workers take jobs');
  }

  /** Waits for jobs in progress. Leads of jobs that take longer get new jobs, as those of a worker that was killed. */
  async stop(): Promise<void> {
    const rescoresStopped = withTimeout(this.rescores.stop(), CLOSE_WITHIN_MS);
    const ended = await Promise.all(Object.values(this.workers).map((worker) => worker.close(CLOSE_WITHIN_MS)));
    await rescoresStopped;
    this.workers = {};
    await this.flow.stop({ leave: ended.every(Boolean) });
  }

  /** The leads in progress in the stage's worker, and how many runs it has ended so far. */
  progressOf(stage: Stage): { inProgress: number; ended: number } {
    const worker = this.workers[stage];
    return { inProgress: worker?.inProgress ?? 0, ended: worker?.ended ?? 0 };
  }

  private adjust(): void {
    for (const [stage, worker] of Object.entries(this.workers) as [Stage, StageWorker][]) {
      worker.setConcurrency(this.concurrencyOf(stage));
      const done = worker.ended - (this.endedBefore[stage] ?? 0);
      // On a slow store a round of promotions may take longer than the time to the next change.
      if (done === 0 || this.promoting.has(stage)) continue;
      this.endedBefore[stage] = worker.ended;
      this.promoting.add(stage);
      void this.backend
        .queue(stage)
        .promoteLate(latePromotions(done))
        .catch(() => {}) // the queue store is down: there is nothing to reorder
        .finally(() => this.promoting.delete(stage));
    }
  }

  private concurrencyOf(stage: Stage): number {
    if (stage === 'crm-sync') return this.flow.permitted(stage);
    if (this.flow.breakers[stage].paused) return 0;
    return this.scorer.local ? LOCAL_AT_ONCE : WAITING_FOR_MODEL;
  }
}
