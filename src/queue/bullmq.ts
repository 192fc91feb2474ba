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
/** Jobs queried at once: enough to fill the pipeline, and too few to delay the workers' own commands. */
const JOB_QUERIES_AT_ONCE = 100;
const KEEP_FINISHED_MS = 24 * 3600 * 1000;
const CLEANED_AT_ONCE = 1000;
/** Failed jobs are kept for a day. A lead is enqueued less often than this in a day. */
const EPOCHS_KEPT = 100;
/**
 * Jobs fetched beyond those in progress. BullMQ fetches one at a time up to its concurrency before it starts the first.
 * With hundreds of round trips, the locks of the first jobs would expire before they are renewed.
 */
const FETCHED_AHEAD = 20;

export class BullStageQueue implements StageQueue {
  constructor(
    readonly stage: Stage,
    private readonly queue: Queue,
  ) {}

  async enqueue(requests: JobRequest[]): Promise<void> {
    // Each `first` job is added at the head, so the last one added runs first: their order is reversed.
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
      // getJobState is avoided: it scans the waiting list for the job, which blocks Redis where the backlog is large.
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
    // The job that moves to the head last runs first, so the order is reversed: the oldest job runs first.
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
      // Redis reports a job that never existed as removed, so only existing jobs are removed and counted.
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

/** BullMQ counts a delay from the job's timestamp, which is the lead's time of receipt and may be long past. */
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

/** Starts a BullMQ worker that runs `handler` and applies the returned outcome to the job. */
export function startBullWorker(
  stage: Stage,
  handler: JobHandler,
  { concurrencyAtMost = Infinity, ...settings }: WorkerSettings & { concurrencyAtMost?: number },
  options: Pick<WorkerOptions, 'connection'> & Partial<WorkerOptions>,
  create: (options: WorkerOptions, process: BullProcessor) => Worker,
  logger: Logger,
): StageWorker {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one listener per job in progress
  let inProgress = 0;
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
    inProgress++;
    // Never lowered while jobs wait: BullMQ fetches the next job when one ends only if the concurrency has room.
    fetchUpTo(Math.max(fetched, inProgress + FETCHED_AHEAD));
    try {
      const outcome = await handler(reference, stopping.signal);
      // The ledger counts the attempts and sets the delay. BullMQ is only the timer, so the job is delayed and not
      // failed.
      if (outcome.kind === 'retry' || outcome.kind === 'wait') await delay(job, outcome.delayMs, token);
      if (outcome.kind === 'dead') throw new UnrecoverableError(outcome.code);
    } finally {
      inProgress--;
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
      // BullMQ's default of 15 s would leave a worker idle for that long after its store has recovered.
      runRetryDelay: 1000,
    } as WorkerOptions,
    process,
  );
  worker.on('error', queueErrorLog(logger, stage));
  const fetchUpTo = (jobs: number) => {
    fetched = jobs;
    worker.concurrency = Math.min(wanted, fetched);
  };
  worker.on('drained', () => fetchUpTo(inProgress + FETCHED_AHEAD));
  const setConcurrency = (concurrency: number) => {
    wanted = Math.max(1, Math.min(concurrency, concurrencyAtMost));
    fetchUpTo(fetched);
    if (concurrency >= 1 === !worker.isPaused() || worker.closing) return;
    // A local pause: the other workers read the pause from the database.
    void (concurrency >= 1 ? worker.resume() : worker.pause(true)).catch(() => {});
  };
  setConcurrency(settings.concurrency);
  return {
    setConcurrency,
    get inProgress() {
      return inProgress;
    },
    get ended() {
      return ended;
    },
    async close(timeoutMs) {
      const closed = worker.close().catch(() => {});
      if (await withTimeout(closed, timeoutMs)) return;
      // Jobs that wait for a model slot return their leads now.
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
