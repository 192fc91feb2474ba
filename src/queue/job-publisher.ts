import type { Stage } from '../domain/lead-state.js';
import { STAGES } from '../domain/lead-state.js';
import { Batcher, BatcherFull } from '../platform/concurrency/batcher.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { QueueBackend } from './queue-backend.js';
import { queueErrorLog } from './queue-error-log.js';
import type { JobRequest } from './job.js';
import type { Logger } from '../platform/observability/logger.js';

/** Announcements that may wait in memory; what comes on top is left to the sweeper. */
const MAX_WAITING = 50_000;

/**
 * Tells a stage that a lead is due: many at a time, best effort, never in anybody's way. An announcement that fails costs
 * time and nothing else, since the ledger has the lead and the sweeper enqueues what no job brings forward.
 */
export class JobPublisher {
  private readonly batchers: Record<Stage, Batcher<JobRequest, void>>;
  private readonly pending = new Set<Promise<void>>();
  private readonly warn: (error: Error) => void;

  constructor(backend: QueueBackend, logger: Logger) {
    this.warn = queueErrorLog(logger, 'enqueue');
    const batcherFor = (stage: Stage) =>
      new Batcher<JobRequest, void>({
        run: async (requests) => {
          await ioBoundary('queue.enqueue', requests[0]?.leadId, () => backend.bestEffortQueue(stage).enqueue(requests));
          return [];
        },
        maxBatch: 1000,
        maxWaiting: MAX_WAITING,
        parallel: 1,
      });
    this.batchers = Object.fromEntries(STAGES.map((stage) => [stage, batcherFor(stage)])) as Record<
      Stage,
      Batcher<JobRequest, void>
    >;
  }

  publish(stage: Stage, announcement: JobRequest): void {
    const done = this.batchers[stage].submit(announcement).catch((error: Error) => {
      if (!(error instanceof BatcherFull)) this.warn(error);
    });
    this.pending.add(done);
    void done.finally(() => this.pending.delete(done));
  }

  /** Resolves when all announcements made so far have been sent or given up. */
  async idle(): Promise<void> {
    await Promise.all(this.pending);
  }
}
