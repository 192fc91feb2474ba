import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, Job, type Worker, type WorkerOptions } from 'bullmq';
import type { Stage } from '../domain/lead-state.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { Logger } from '../platform/observability/logger.js';
import { JobRun } from './job-run.js';
import { jobSchema, leadsOf, type JobLead, type LeadHandler } from './job.js';
import { LeadTurns } from './lead-turns.js';
import { LATE_PRIORITY, LateJobs } from './priority.js';
import type { StageWorker, WorkerSettings } from './queue-backend.js';
import { queueErrorLog } from './queue-error-log.js';

/**
 * Jobs that are fetched and not started. BullMQ fetches one at a time up to its concurrency before it starts the first.
 * With hundreds of round trips, the locks of the first jobs would expire before they are renewed.
 */
const FETCHED_AHEAD = 20;
/** Leads of one job mostly end together, and then its end fetches the next job at no extra cost. */
const WAKE_AFTER_MS = 5;
/** While BullMQ reports no job for this time, the queue counts as empty. Shorter than the batching window of a CRM. */
const EMPTY_AFTER_MS = 15;
/** Between two tries to return a job. */
const RETURN_AGAIN_MS = 500;
/** How long jobs may take to end after their calls were ended. */
const ENDED_WITHIN_MS = 2000;

export type BullProcessor = (job: Job, token?: string) => Promise<void>;

export interface BullWorkerOptions extends WorkerSettings {
  /** The most jobs in progress at a time. */
  jobsAtMost?: number;
  bull: Pick<WorkerOptions, 'connection'> & Partial<WorkerOptions>;
  create(options: WorkerOptions, process: BullProcessor): Worker;
  logger: Logger;
}

/** Starts a BullMQ worker that fetches jobs while their leads are fewer than its concurrency. */
export function startBullWorker(stage: Stage, handler: LeadHandler, options: BullWorkerOptions): StageWorker {
  return new BullStageWorker(stage, handler, options);
}

class BullStageWorker implements StageWorker {
  inProgress = 0;
  ended = 0;
  private readonly worker: Worker;
  private readonly stopping = new AbortController();
  private readonly lateJobs: LateJobs;
  private readonly turns = new LeadTurns(1);
  private wanted = 1;
  private running = 0;
  /** Leads of the jobs that are fetched and not started, by job id. */
  private readonly fetched = new Map<string, number>();
  private wakeTimer: NodeJS.Timeout | undefined;
  private closing = false;
  /** When BullMQ found no job although the worker had room; undefined where it has fetched one since. */
  private emptySince: number | undefined = -Infinity;

  constructor(
    stage: Stage,
    private readonly handler: LeadHandler,
    private readonly options: BullWorkerOptions,
  ) {
    setMaxListeners(0, this.stopping.signal); // one listener per lead in progress
    this.lateJobs = new LateJobs(options.lateAfterMs);
    this.worker = options.create(
      {
        ...options.bull,
        name: options.name,
        concurrency: 1,
        lockDuration: options.leaseMs,
        stalledInterval: options.leaseMs / 2,
        maxStalledCount: 3,
        // BullMQ's default of 15 s would leave a worker idle for that long after its store has recovered.
        runRetryDelay: 1000,
      },
      (job, token) => this.process(job, token),
    );
    this.worker.on('error', queueErrorLog(options.logger, stage));
    this.worker.on('active', (job) => {
      this.emptySince = undefined;
      this.fetched.set(job.id!, sizeOf(job));
      this.tune();
    });
    // BullMQ also emits this where it has not looked for a job, since there was no room.
    this.worker.on('drained', () => {
      if (this.hasRoom) this.emptySince ??= performance.now();
    });
    // A job that stalled too often fails without being processed.
    this.worker.on('failed', (job) => this.fetched.delete(job?.id ?? ''));
    this.setConcurrency(options.concurrency);
  }

  moreFollow(waiting: number): boolean {
    const { hasRoom } = this;
    const isEmpty = hasRoom && this.emptySince !== undefined && performance.now() - this.emptySince >= EMPTY_AFTER_MS;
    return !this.closing && !isEmpty && (this.inProgress > waiting || this.fetched.size > 0 || hasRoom);
  }

  setConcurrency(leads: number): void {
    const { worker } = this;
    if (this.closing) return;
    this.wanted = Math.max(1, leads);
    // Leads of fetched jobs get their turn also at 0: the handler returns them.
    this.turns.atOnce = this.wanted;
    this.tune();
    this.wake();
    if (leads >= 1 === !worker.isPaused()) return;
    // A local pause: the other workers read the pause from the database.
    void (leads >= 1 ? worker.resume() : worker.pause(true)).catch(() => {});
  }

  async close(timeoutMs: number): Promise<boolean> {
    this.closing = true;
    // Leads that have not begun get their turn, in which they go back: they do not wait for those that run.
    this.turns.atOnce = Infinity;
    const closed = this.worker.close().catch(() => {});
    if (await withTimeout(closed, timeoutMs)) return true;
    // Leads that wait for a model slot return now.
    this.stopping.abort(new Error('The worker stops'));
    return withTimeout(closed, ENDED_WITHIN_MS);
  }

  private async process(job: Job, token: string | undefined): Promise<void> {
    this.fetched.delete(job.id!);
    this.running++;
    let unsettled = sizeOf(job);
    this.inProgress += unsettled;
    this.tune();
    try {
      const { leads } = jobSchema.parse(job.data);
      await this.deprioritiseLate(job, token);
      const run = new JobRun(leads, {
        handler: this.handler,
        inTurn: (work) => this.turns.run(work),
        ended: (settled) => {
          this.ended++;
          if (!settled) return;
          unsettled--;
          this.inProgress--;
          this.wake();
        },
        stopping: () => this.closing,
        signal: this.stopping.signal,
      });
      const waiting = await run.run();
      await this.options.beforeEnd?.();
      if (waiting.length > 0) await this.returnSoon(job, waiting, token);
    } finally {
      this.inProgress -= unsettled;
      this.running--;
      this.tune();
    }
  }

  /**
   * Repeats the return while the queue store refuses it, for example as a read-only replica: the leads of a job that
   * stays active would wait until its lock expires.
   */
  private async returnSoon(job: Job, waiting: JobLead[], token: string | undefined): Promise<void> {
    const until = performance.now() + this.options.leaseMs;
    for (;;) {
      try {
        return await this.returnJob(job, waiting, token);
      } catch (error) {
        if (error instanceof DelayedError || this.closing || performance.now() >= until) throw error;
        await sleep(RETURN_AGAIN_MS);
      }
    }
  }

  /**
   * The job runs again with the leads that wait, except those that an erasure has removed from it meanwhile. The ledger
   * would refuse the leads that are settled, so that leaving them out only saves work.
   */
  private async returnJob(job: Job, waiting: JobLead[], token: string | undefined): Promise<void> {
    // Its data may be changed without the lock. Where this worker was frozen, another one runs the job now.
    if (!(await job.extendLock(token!, this.options.leaseMs))) return;
    const named = new Set(leadsOf(await Job.fromId(this.worker, job.id!))?.map(({ leadId }) => leadId));
    const leads = waiting.filter(({ leadId }) => named.has(leadId));
    if (leads.length === 0) return;
    if (named.size > 1) await job.updateData({ leads });
    await delayed(job, Math.min(...leads.map(({ notBefore = 0 }) => notBefore)), token);
  }

  private async deprioritiseLate(job: Job, token: string | undefined): Promise<void> {
    if (!this.lateJobs.goesBehind(job, Date.now())) return;
    try {
      await job.changePriority({ priority: LATE_PRIORITY });
      // Due at once, so that the queue never looks empty while such jobs are left.
      await delayed(job, Date.now(), token);
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      // The queue store takes no changes: the job runs in its place, since it would stay active until its lock expires.
    }
  }

  private get hasRoom(): boolean {
    let leads = this.inProgress;
    for (const size of this.fetched.values()) leads += size;
    const { jobsAtMost = Infinity } = this.options;
    return leads < this.wanted && this.fetched.size < FETCHED_AHEAD && this.fetched.size + this.running < jobsAtMost;
  }

  /** Lets BullMQ fetch one more job, or none. It asks again after each. */
  private tune(): void {
    const { hasRoom } = this;
    const jobs = this.fetched.size + this.running;
    this.worker.concurrency = Math.max(1, hasRoom ? jobs + 1 : jobs);
    if (!hasRoom) this.emptySince = undefined; // nothing is fetched, so that it is unknown
  }

  /**
   * BullMQ fetches only when a job ends. A job with a slow lead ends late, so the loop of BullMQ is woken where leads
   * have ended and none of their jobs has. BullMQ's own `resume` does the same.
   */
  private wake(): void {
    if (this.wakeTimer || this.running === 0 || !this.hasRoom) return;
    this.wakeTimer = setTimeout(() => {
      this.wakeTimer = undefined;
      this.tune();
      if (this.hasRoom) this.worker['mainLoopQueue']?.add(Promise.resolve(undefined));
    }, WAKE_AFTER_MS);
  }
}

function sizeOf(job: Job): number {
  const { leads } = job.data as { leads?: unknown[] };
  return leads?.length ?? 1;
}

async function delayed(job: Job, dueAt: number, token: string | undefined): Promise<never> {
  await job.moveToDelayed(dueAt, token);
  throw new DelayedError();
}
