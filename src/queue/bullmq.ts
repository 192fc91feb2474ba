import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Stage } from '../domain/lead-state.js';
import { jobsOf, leadsOf, type JobRequest, type LeadJob } from './job.js';
import { LATE_PRIORITY, priorityOf } from './priority.js';
import type { ActiveJob, QueueCounts, StageQueue } from './queue-backend.js';

const JOB_NAME = 'bring-forward';
/** Jobs queried at once: enough to fill the pipeline, and too few to delay the workers' own commands. */
const JOB_QUERIES_AT_ONCE = 100;
const KEEP_FINISHED_MS = 24 * 3600 * 1000;
const CLEANED_AT_ONCE = 1000;

export class BullStageQueue implements StageQueue {
  constructor(
    readonly stage: Stage,
    private readonly queue: Queue,
  ) {}

  async enqueue(requests: JobRequest[]): Promise<void> {
    const jobs = jobsOf(requests);
    // Each `first` job is added at the head, so the last one added runs first: their order is reversed.
    const ordered = [...jobs.filter(({ first }) => !first), ...jobs.filter(({ first }) => first).toReversed()];
    await this.queue.addBulk(
      ordered.map(({ id, leads, ...place }) => ({
        name: JOB_NAME,
        data: { leads },
        opts: { jobId: id, ...placeOf(place) },
      })),
    );
  }

  async withoutLiveJob(jobIds: string[]): Promise<string[]> {
    // getJobState is avoided: it scans the waiting list for the job, which blocks Redis where the backlog is large.
    const missing: string[] = [];
    for await (const [id, job] of this.jobsOf(jobIds)) if (!job || job.finishedOn !== undefined) missing.push(id);
    return missing;
  }

  async activeJobs(): Promise<ActiveJob[]> {
    const jobs = await this.queue.getJobs(['active']);
    return jobs.flatMap((job) => {
      const leads = leadsOf(job);
      return leads ? [{ leads, worker: job.processedBy }] : [];
    });
  }

  async promoteLate(count: number): Promise<void> {
    // A job names one lead at least, so that no more than `count` jobs are needed.
    const jobs = await this.queue.getJobs(['prioritized'], 0, count - 1, true);
    const promoted: Job[] = [];
    let leads = 0;
    for (const job of jobs) {
      if (leads >= count) break;
      if (job?.priority !== LATE_PRIORITY) continue;
      promoted.push(job);
      leads += leadsOf(job)?.length ?? 1;
    }
    // The job that moves to the head last runs first, so the order is reversed: the oldest job runs first.
    for (const job of promoted.toReversed()) await job.changePriority({ priority: 0, lifo: true });
  }

  async clean(): Promise<void> {
    for (const type of ['failed', 'completed'] as const) await this.queue.clean(KEEP_FINISHED_MS, CLEANED_AT_ONCE, type);
  }

  async forget(leads: { leadId: string; jobId: string }[]): Promise<number> {
    const forgotten = new Set(leads.map(({ leadId }) => leadId));
    // Only the ids: a replay at a low rate makes a delayed job for each of its leads.
    const mayBeOutdated = await this.queue.getRanges(['failed', 'delayed'], 0, -1);
    let changed = 0;
    for await (const [, job] of this.jobsOf(new Set([...leads.map(({ jobId }) => jobId), ...mayBeOutdated]))) {
      if (job && (await this.removeLeads(job, forgotten))) changed++;
    }
    return changed;
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
    const { active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0), active, delayed, failed };
  }

  /** @returns whether the job named one of these leads. */
  private async removeLeads(job: Job, forgotten: Set<string>): Promise<boolean> {
    const before = leadsOf(job) ?? [];
    const after = before.filter(({ leadId }) => !forgotten.has(leadId));
    if (after.length === before.length) return false;
    if (after.length === 0 && (await this.queue.remove(job.id!)) > 0) return true;
    try {
      // A running job cannot be removed. The worker has read its leads, finds no row, and does not return them.
      await job.updateData({ leads: after });
      return true;
    } catch (error) {
      const hasEnded = (await this.queue.getJob(job.id!)) === undefined;
      if (hasEnded) return false;
      throw error;
    }
  }

  /** Reads the jobs in the order of their ids, some at a time. */
  private async *jobsOf(ids: Iterable<string>): AsyncGenerator<[id: string, job: Job | undefined]> {
    const all = [...ids];
    for (let from = 0; from < all.length; from += JOB_QUERIES_AT_ONCE) {
      const some = all.slice(from, from + JOB_QUERIES_AT_ONCE);
      yield* await Promise.all(some.map(async (id): Promise<[string, Job | undefined]> => [id, await this.queue.getJob(id)]));
    }
  }
}

/** BullMQ counts a delay from the job's timestamp, which is the lead's time of receipt and may be long past. */
function placeOf({ since, dueAt, low, first }: Omit<LeadJob, 'id' | 'leads'>): JobsOptions {
  const now = Date.now();
  const timestamp = since ?? now;
  return {
    timestamp,
    ...(dueAt !== undefined && dueAt > now ? { delay: dueAt - timestamp } : {}),
    ...(first && !low ? { lifo: true } : {}),
    ...priorityOf(low),
  };
}
