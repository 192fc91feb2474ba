import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../domain/lead-state.js';
import { STAGES } from '../domain/lead-state.js';
import { Batcher, BatcherFull } from '../platform/concurrency/batcher.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { QueueBackend } from './queue-backend.js';
import { queueErrorLog } from './queue-error-log.js';
import type { JobRequest } from './job.js';
import type { Logger } from '../platform/observability/logger.js';

/** Job requests that may wait in memory. The sweeper enqueues the leads of further ones. */
const MAX_WAITING = 50_000;
/** Requests outlast a short outage of the queue store, so that its leads need not wait for the next sweep. */
const RETRY_EVERY_MS = 500;
const RETRY_FOR_MS = 60_000;

/**
 * Enqueues jobs in the background, in batches. While the queue store does not answer, requests wait in memory. A
 * dropped request only delays the lead, since the sweeper enqueues each open lead without a job.
 */
export class JobPublisher {
  private readonly stopping = new AbortController();
  private readonly batchers: Record<Stage, Batcher<JobRequest, void>>;
  private readonly pending = new Set<Promise<void>>();
  private readonly warn: (error: Error) => void;

  constructor(
    backend: Pick<QueueBackend, 'bestEffortQueue'>,
    logger: Logger,
    private readonly retryEveryMs = RETRY_EVERY_MS,
  ) {
    this.warn = queueErrorLog(logger, 'enqueue');
    const batcherFor = (stage: Stage) =>
      new Batcher<JobRequest, void>({
        run: async (requests) => {
          await this.enqueue(() =>
            ioBoundary('queue.enqueue', requests[0]?.leadId, () => backend.bestEffortQueue(stage).enqueue(requests)),
          );
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

  publish(stage: Stage, request: JobRequest): void {
    const done = this.batchers[stage].submit(request).catch((error: Error) => {
      if (!(error instanceof BatcherFull)) this.warn(error);
    });
    this.pending.add(done);
    void done.finally(() => this.pending.delete(done));
  }

  /** Resolves when all requests made so far are enqueued or dropped. */
  async idle(): Promise<void> {
    await Promise.all(this.pending);
  }

  /** As `idle`, but nothing that fails is tried again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.idle();
  }

  private async enqueue(attempt: () => Promise<void>): Promise<void> {
    const end = performance.now() + RETRY_FOR_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.stopping.signal.aborted || performance.now() > end) throw error;
        this.warn(error as Error);
        await sleep(this.retryEveryMs, undefined, { signal: this.stopping.signal }).catch(() => {}); // the last try follows
      }
    }
  }
}
