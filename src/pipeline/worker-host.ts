import type { FlowControl } from '../flow-control/flow-control.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueBackend, StageWorker } from '../queue/queue-backend.js';
import type { JobHandler } from '../queue/job.js';
import type { RescorePoller } from './rescore.poller.js';

/** With what follows it, well inside the ten seconds that a stop may take. */
const CLOSE_WITHIN_MS = 4000;
/** Leads that may stand in the line before a model: enough to choose the best of what half an SLA can serve. */
const AI_LINE = 1000;
/** Leads in hand of a scorer that asks nobody: nothing to protect, and what shares a statement with more others costs less. */
const LOCAL_LINE = 200;
/** Of what a stage gets done, a fifth goes to leads that are late already. */
const LATE_SHARE = 0.2;

export interface StageWorkerTools {
  backend: QueueBackend;
  flow: FlowControl;
  handlers: Record<Stage, JobHandler>;
  rescorer: Pick<RescorePoller, 'start' | 'stop'>;
  /** The scorer asks nobody: no line before it. */
  localScorer: boolean;
  config: Pick<Config, 'LEASE_MS' | 'SPEED_TO_LEAD_SLA_SECONDS'>;
  logger: Logger;
}

/** The two processors: one worker a stage, each with as many leads in hand as the flow control permits now. */
export class WorkerHost {
  private workers: Partial<Record<Stage, StageWorker>> = {};
  private endedBefore: Partial<Record<Stage, number>> = {};
  private readonly promoting = new Set<Stage>();

  constructor(private readonly tools: StageWorkerTools) {}

  async start(): Promise<void> {
    const { backend, flow, handlers, config, logger } = this.tools;
    await flow.start();
    for (const stage of STAGES) {
      const settings = {
        concurrency: this.concurrencyOf(stage),
        leaseMs: config.LEASE_MS,
        lateAfterMs: config.SPEED_TO_LEAD_SLA_SECONDS * 1000,
      };
      this.workers[stage] = await backend.startWorker(stage, handlers[stage], settings);
    }
    flow.onChange(() => this.adjust());
    this.adjust();
    this.tools.rescorer.start();
    logger.debug('The stage workers take jobs');
  }

  /** Finishes the jobs in hand; those that take longer are handed back, or left to their leases. */
  async stop(): Promise<void> {
    const rescorerStopped = withTimeout(this.tools.rescorer.stop(), CLOSE_WITHIN_MS);
    await Promise.all(Object.values(this.workers).map((worker) => worker.close(CLOSE_WITHIN_MS)));
    await rescorerStopped;
    this.workers = {};
    await this.tools.flow.stop();
  }

  /** What the stage's worker has in hand, and how many it has ended so far. */
  progressOf(stage: Stage): { inHand: number; ended: number } {
    const worker = this.workers[stage];
    return { inHand: worker?.inHand ?? 0, ended: worker?.ended ?? 0 };
  }

  private adjust(): void {
    for (const [stage, worker] of Object.entries(this.workers) as [Stage, StageWorker][]) {
      worker.setConcurrency(this.concurrencyOf(stage));
      const done = worker.ended - (this.endedBefore[stage] ?? 0);
      // On a slow store one round of promotions may last longer than the time between two changes.
      if (done === 0 || this.promoting.has(stage)) continue;
      this.endedBefore[stage] = worker.ended;
      this.promoting.add(stage);
      void this.tools.backend
        .queue(stage)
        .promoteLate(Math.ceil(done * LATE_SHARE))
        .catch(() => {}) // the queue store is away: there is nothing to reorder
        .finally(() => this.promoting.delete(stage));
    }
  }

  private concurrencyOf(stage: Stage): number {
    const { flow, localScorer } = this.tools;
    if (stage === 'crm-sync') return flow.permitted(stage);
    if (flow.breakers[stage].paused) return 0;
    return localScorer ? LOCAL_LINE : AI_LINE;
  }
}
