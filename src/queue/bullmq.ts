import { setMaxListeners } from 'node:events';
import { DelayedError, Queue, UnrecoverableError, Worker, type Job, type JobsOptions, type WorkerOptions } from 'bullmq';
import type { Stage } from '../domain/lead-state.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueCounts, StageQueue, StageWorker, WorkerSettings } from './queue-backend.js';
import { jobIdOf, jobSchema, referenceOf, type JobRequest, type JobHandler, type JobReference } from './job.js';
import { LATE_PRIORITY, LateJobs, priorityOf } from './priority.js';
import { queueErrorLog } from './queue-error-log.js';

const JOB_NAME = 'bring-forward';
/** How many jobs are asked for at a time: enough to fill the pipeline, few enough not to starve the workers. */
const JOB_QUERIES_AT_ONCE = 100;
const KEEP_FINISHED_MS = 24 * 3600 * 1000;
const CLEANED_AT_ONCE = 1000;
/** Failed jobs are remembered for a day: a lead is not enqueued more often in one. */
const EPOCHS_KEPT = 100;
/**
 * Jobs that may be fetched ahead of those at work. BullMQ fetches one by one until it has as many as it may, and only then starts the first:
 * four hundred round trips, in which nobody renews the leases of those that came first.
 */
const FETCHED_AHEAD = 20;

export class BullStageQueue implements StageQueue {
  constructor(
    readonly stage: Stage,
    private readonly queue: Queue,
  ) {}

  async enqueue(requests: JobRequest[]): Promise<void> {
    // Each job that goes first is put before those added so far: the one added last runs first.
    const ordered = [...requests.filter(({ first }) => !first), ...requests.filter(({ first }) => first).toReversed()];
    await this.queue.addBulk(
      ordered.map(({ leadId, epoch, ...place }) => ({
        name: JOB_NAME,
        data: { leadId, epoch },
        opts: { jobId: jobIdOf({ leadId, epoch }), ...placeOf(place) },
      })),
    );
  }

  async withoutLiveJob(references: JobReference[]): Promise<JobReference[]> {
    const lost: JobReference[] = [];
    for (let from = 0; from < references.length; from += JOB_QUERIES_AT_ONCE) {
      const slice = references.slice(from, from + JOB_QUERIES_AT_ONCE);
      // Not by getJobState: to find a job in the waiting list, Redis walks the list, and a large backlog would stop everything.
      const jobs = await Promise.all(slice.map((reference) => this.queue.getJob(jobIdOf(reference))));
      lost.push(...slice.filter((_, index) => jobs[index] === undefined || jobs[index].finishedOn !== undefined));
    }
    return lost;
  }

  async activeJobs(): Promise<JobReference[]> {
    return (await this.queue.getRanges(['active'], 0, -1)).map(referenceOf);
  }

  async promoteLate(count: number): Promise<void> {
    const jobs = await this.queue.getJobs(['prioritized'], 0, count - 1, true);
    const late = jobs.filter((job) => job.priority === LATE_PRIORITY);
    // The last to be moved to the head is the first to run: so the longest in the line.
    for (const job of late.toReversed()) await job.changePriority({ priority: 0, lifo: true });
  }

  async clean(): Promise<void> {
    for (const type of ['failed', 'completed'] as const) await this.queue.clean(KEEP_FINISHED_MS, CLEANED_AT_ONCE, type);
  }

  async forget(leads: JobReference[]): Promise<number> {
    const ids = leads.flatMap(({ leadId, epoch }) =>
      Array.from({ length: Math.min(epoch, EPOCHS_KEPT) }, (_, age) => jobIdOf({ leadId, epoch: epoch - age })),
    );
    let removed = 0;
    for (let from = 0; from < ids.length; from += JOB_QUERIES_AT_ONCE) {
      const jobs = await Promise.all(ids.slice(from, from + JOB_QUERIES_AT_ONCE).map((id) => this.queue.getJob(id)));
      // Redis calls a job removed that was never there, so those that are there are counted.
      const answers = await Promise.all(jobs.flatMap((job) => (job?.id ? [this.queue.remove(job.id)] : [])));
      removed += answers.reduce((sum, answer) => sum + answer, 0);
    }
    return removed;
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
    const { active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0), active, delayed, failed };
  }
}

/** BullMQ counts a delay from the job's timestamp, which is the lead's and may be long ago. */
function placeOf({ since, dueAt, low, first }: Omit<JobRequest, keyof JobReference>): JobsOptions {
  const now = Date.now();
  const timestamp = since ?? now;
  return {
    timestamp,
    ...(dueAt !== undefined && dueAt > now ? { delay: dueAt - timestamp } : {}),
    ...(first && !low ? { lifo: true } : {}),
    ...priorityOf(low),
  };
}

/** Starts a BullMQ worker that runs `handler` and does with each job what the returned outcome says. */
export function startBullWorker(
  stage: Stage,
  handler: JobHandler,
  { concurrencyAtMost = Infinity, ...settings }: WorkerSettings & { concurrencyAtMost?: number },
  options: Pick<WorkerOptions, 'connection'> & Partial<WorkerOptions>,
  create: (options: WorkerOptions, process: BullProcessor) => Worker,
  logger: Logger,
): StageWorker {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one a job in hand
  let inHand = 0;
  let ended = 0;
  const lateJobs = new LateJobs(settings.lateAfterMs);
  let wanted = 1;
  let fetched = FETCHED_AHEAD;

  const deprioritiseLate = async (job: Job, token: string | undefined) => {
    if (!lateJobs.goesBehind(job, Date.now())) return;
    await job.changePriority({ priority: LATE_PRIORITY });
    await delay(job, 1, token);
  };

  const process: BullProcessor = async (job, token) => {
    const reference = jobSchema.parse(job.data);
    await deprioritiseLate(job, token);
    inHand++;
    // Never fewer while jobs wait: one that ends brings the next along only where there is room.
    fetchUpTo(Math.max(fetched, inHand + FETCHED_AHEAD));
    try {
      const outcome = await handler(reference, stopping.signal);
      // The ledger counts the attempts and names the delay; BullMQ is only the timer, so it is told of no failure.
      if (outcome.kind === 'retry' || outcome.kind === 'wait') await delay(job, outcome.delayMs, token);
      if (outcome.kind === 'dead') throw new UnrecoverableError(outcome.code);
    } finally {
      inHand--;
      ended++;
    }
  };
  const worker = create(
    {
      ...options,
      concurrency: 1,
      lockDuration: settings.leaseMs,
      stalledInterval: settings.leaseMs / 2,
      maxStalledCount: 3,
      // BullMQ's own fifteen seconds would keep a worker idle for as long after its store is back.
      runRetryDelay: 1000,
    } as WorkerOptions,
    process,
  );
  worker.on('error', queueErrorLog(logger, stage));
  const fetchUpTo = (jobs: number) => {
    fetched = jobs;
    worker.concurrency = Math.min(wanted, fetched);
  };
  worker.on('drained', () => fetchUpTo(inHand + FETCHED_AHEAD));
  const setConcurrency = (concurrency: number) => {
    wanted = Math.max(1, Math.min(concurrency, concurrencyAtMost));
    fetchUpTo(fetched);
    if (concurrency >= 1 === !worker.isPaused() || worker.closing) return;
    // Locally: the other workers ask the database themselves.
    void (concurrency >= 1 ? worker.resume() : worker.pause(true)).catch(() => {});
  };
  setConcurrency(settings.concurrency);
  return {
    setConcurrency,
    get inHand() {
      return inHand;
    },
    get ended() {
      return ended;
    },
    async close(timeoutMs) {
      const closed = worker.close().catch(() => {});
      if (await withTimeout(closed, timeoutMs)) return;
      // Those who wait for something hand their leads back now.
      stopping.abort(new Error('The worker stops'));
      if (await withTimeout(closed, 1000)) return;
      await withTimeout(
        worker.close(true).catch(() => {}),
        1000,
      );
    },
  };
}

export type BullProcessor = (job: Job, token?: string) => Promise<void>;

async function delay(job: Job, delayMs: number, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}
