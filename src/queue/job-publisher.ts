import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../domain/lead-state.js';
import { STAGES } from '../domain/lead-state.js';
import { Batcher } from '../platform/concurrency/batcher.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import type { QueueBackend } from './queue-backend.js';
import { queueErrorLog } from './queue-error-log.js';
import type { JobRequest } from './job.js';
import type { Logger } from '../platform/observability/logger.js';

/** Leads whose jobs may wait in memory. The sweeper enqueues further ones. */
const MAX_WAITING = 50_000;
/** Requests outlast a short outage of the queue store, so that its leads need not wait for the next sweep. */
const RETRY_EVERY_MS = 500;
const RETRY_FOR_MS = 60_000;

/**
 * Enqueues jobs in the background. The requests of one tick that have the same job id are one job: the leads of a
 * statement are published in the tick in which it ends. While the queue store does not answer, jobs wait in memory. A
 * dropped job only delays its leads, since the sweeper enqueues each open lead without a job.
 */
export class JobPublisher {
  private readonly stopping = new AbortController();
  private readonly batchers: Record<Stage, Batcher<JobRequest[], void>>;
  /** The jobs of this tick, by stage and job id. */
  private readonly collected: Record<Stage, Map<string, JobRequest[]>> = { enrichment: new Map(), 'crm-sync': new Map() };
  private collecting: Promise<void> | undefined;
  private readonly pending = new Set<Promise<void>>();
  private waiting = 0;
  private readonly warn: (error: Error) => void;

  constructor(
    backend: Pick<QueueBackend, 'bestEffortQueue'>,
    logger: Logger,
    private readonly retryEveryMs = RETRY_EVERY_MS,
  ) {
    this.warn = queueErrorLog(logger, 'enqueue');
    const batcherFor = (stage: Stage) =>
      new Batcher<JobRequest[], void>({
        run: async (jobs) => {
          const requests = jobs.flat();
          await this.enqueue(() =>
            ioBoundary('queue.enqueue', requests[0]?.leadId, () => backend.bestEffortQueue(stage).enqueue(requests)),
          );
          return [];
        },
        maxBatch: 100,
        maxWaiting: MAX_WAITING,
        parallel: 1,
      });
    this.batchers = { enrichment: batcherFor('enrichment'), 'crm-sync': batcherFor('crm-sync') };
  }

  publish(stage: Stage, request: JobRequest): void {
    const jobs = this.collected[stage];
    const job = jobs.get(request.jobId);
    if (job) job.push(request);
    else jobs.set(request.jobId, [request]);
    this.collecting ??= new Promise((resolve) => setImmediate(() => resolve(this.submitCollected())));
  }

  /** Resolves when all requests made so far are enqueued or dropped. */
  async idle(): Promise<void> {
    await this.collecting;
    await Promise.all(this.pending);
  }

  /** As `idle`, but nothing that fails is tried again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.idle();
  }

  private submitCollected(): void {
    this.collecting = undefined;
    for (const stage of STAGES) {
      const jobs = this.collected[stage];
      for (const job of jobs.values()) this.submit(stage, job);
      jobs.clear();
    }
  }

  private submit(stage: Stage, job: JobRequest[]): void {
    if (this.waiting + job.length > MAX_WAITING) return;
    this.waiting += job.length;
    const done = this.batchers[stage]
      .submit(job)
      .catch(this.warn)
      .finally(() => {
        this.waiting -= job.length;
        this.pending.delete(done);
      });
    this.pending.add(done);
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
