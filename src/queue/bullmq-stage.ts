import { DelayedError, Queue, UnrecoverableError, Worker, type Job, type WorkerOptions } from 'bullmq';
import type { Stage } from '../lead/state.js';
import type { Logger } from '../platform/logger.js';
import { within } from '../platform/within.js';
import type { QueueCounts, StageQueue, StageWorker, WorkerSettings } from './backend.js';
import { jobIdOf, jobSchema, type JobHandler, type JobReference } from './job.js';
import { warnOncePerOutage } from './outage-warning.js';

const JOB_NAME = 'bring-forward';
/** States of a job that will still run. Every other answer means that nobody is bringing the lead forward. */
const LIVE_STATES = new Set<string>(['waiting', 'active', 'delayed', 'prioritized', 'paused']);
/** How many job states are asked for at a time: enough to fill the pipeline, few enough not to starve the workers. */
const STATE_QUERIES_AT_ONCE = 100;

/** Carries the ledger's delay to BullMQ's timer; its message goes into the queue's store, so it is a code and nothing else. */
class RetryLater extends Error {
  override readonly name = 'RetryLater';
  constructor(
    code: string,
    readonly delayMs: number,
  ) {
    super(code);
  }
}

export class BullStageQueue implements StageQueue {
  constructor(
    readonly stage: Stage,
    private readonly queue: Queue,
    /** BullMQ's own limit on tries; the ledger decides, so this only has to be no smaller. */
    private readonly attempts: number,
  ) {}

  async enqueue(references: JobReference[]): Promise<void> {
    await this.queue.addBulk(
      references.map(({ leadId, epoch }) => ({
        name: JOB_NAME,
        data: { leadId, epoch },
        opts: { jobId: jobIdOf({ leadId, epoch }), attempts: this.attempts, backoff: { type: 'ledger' } },
      })),
    );
  }

  async withoutLiveJob(references: JobReference[]): Promise<JobReference[]> {
    const lost: JobReference[] = [];
    for (let from = 0; from < references.length; from += STATE_QUERIES_AT_ONCE) {
      const slice = references.slice(from, from + STATE_QUERIES_AT_ONCE);
      const states = await Promise.all(slice.map((reference) => this.queue.getJobState(jobIdOf(reference))));
      lost.push(...slice.filter((_, index) => !LIVE_STATES.has(states[index]!)));
    }
    return lost;
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
    const { active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0), active, delayed, failed };
  }
}

/** Starts a BullMQ worker that runs `handler` and does with each job what the returned outcome says. */
export function startBullWorker(
  stage: Stage,
  handler: JobHandler,
  settings: WorkerSettings,
  options: Pick<WorkerOptions, 'connection'> & Partial<WorkerOptions>,
  create: (options: WorkerOptions, process: BullProcessor) => Worker,
  logger: Logger,
): StageWorker {
  const inHand = new AbortController();
  const process: BullProcessor = async (job, token) => {
    const reference = jobSchema.parse(job.data);
    const outcome = await handler(reference, inHand.signal);
    if (outcome.kind === 'wait') {
      await job.moveToDelayed(Date.now() + outcome.delayMs, token);
      throw new DelayedError();
    }
    if (outcome.kind === 'retry') throw new RetryLater(outcome.code, outcome.delayMs);
    if (outcome.kind === 'dead') throw new UnrecoverableError(outcome.code);
  };
  const worker = create(
    {
      ...options,
      concurrency: settings.concurrency,
      lockDuration: settings.leaseMs,
      stalledInterval: settings.leaseMs / 2,
      maxStalledCount: 3,
      settings: { backoffStrategy: (_attempts, _type, error) => (error instanceof RetryLater ? error.delayMs : 1000) },
    } as WorkerOptions,
    process,
  );
  worker.on('error', warnOncePerOutage(logger, stage));
  return {
    async close(timeoutMs) {
      const closed = worker.close().catch(() => {});
      if (await within(closed, timeoutMs)) return;
      inHand.abort();
      await within(
        worker.close(true).catch(() => {}),
        1000,
      );
    },
  };
}

export type BullProcessor = (job: Job, token?: string) => Promise<void>;
