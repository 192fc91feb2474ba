import type { Queue } from 'bullmq';
import type { LeadReference } from '../domain/lead-jobs.js';
import type { Stage } from '../domain/lead-state.js';
import type { JobRequest, LeadHandler } from './job.js';

/** The queue of one stage, for producers and the sweeper. A job names up to a hundred leads. */
export interface StageQueue {
  readonly stage: Stage;
  /**
   * Adds a job per distinct job id of the requests. A job that exists is left unchanged. Rejects where the store does
   * not answer.
   */
  enqueue(requests: JobRequest[]): Promise<void>;
  /** The ids without an unfinished job: never added, lost, or finished. */
  withoutLiveJob(jobIds: string[]): Promise<string[]>;
  /** The jobs that live and dead workers have fetched. */
  activeJobs(): Promise<ActiveJob[]>;
  /** Moves the jobs of up to `count` late leads to the head of the queue, so that each runs eventually. */
  promoteLate(count: number): Promise<void>;
  /** How many jobs there are, which is fewer than leads. */
  counts(): Promise<QueueCounts>;
  /** Removes finished jobs older than a day. They contain only ids. */
  clean(): Promise<void>;
  /**
   * Removes leads from the jobs that their rows name and from failed and delayed jobs, which may last although they are
   * outdated, and removes jobs that then have no lead. Another outdated job ends without the lead when it runs.
   * @returns from how many jobs leads were removed.
   */
  forget(leads: { leadId: string; jobId: string }[]): Promise<number>;
}

export interface ActiveJob {
  leads: LeadReference[];
  /** The name of the process that fetched it; undefined where an earlier version did. */
  worker: string | undefined;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface WorkerSettings {
  /** The name of this process, which its jobs show. */
  name: string;
  /** Leads in progress at a time; 0 fetches no jobs until `setConcurrency` raises it. */
  concurrency: number;
  leaseMs: number;
  /** An older job cannot meet the speed-to-lead SLA, so jobs that can go first. */
  lateAfterMs: number;
  /** Awaited before a job is ended: the jobs that follow from it should exist by then. */
  beforeEnd?: () => Promise<unknown>;
}

/** Runs the leads of jobs. All its numbers count leads. */
export interface StageWorker {
  setConcurrency(leads: number): void;
  /** Leads of fetched jobs that are not settled. */
  readonly inProgress: number;
  /** How often a lead has been brought forward so far, with any outcome. */
  readonly ended: number;
  /**
   * Whether leads follow soon where `waiting` leads of this worker wait for them: the queue has more jobs, and the
   * worker has room for them or will have, since others of its leads end.
   */
  moreFollow(waiting: number): boolean;
  /**
   * Stops fetching jobs and waits for those in progress. After `timeoutMs` it ends their calls.
   * @returns false where jobs have not ended two seconds later. They stay active.
   */
  close(timeoutMs: number): Promise<boolean>;
}

/** Where BullMQ keeps its queues. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  queue(stage: Stage): StageQueue;
  /** The same queue with a short timeout, for jobs after an ack. The sweeper enqueues what it could not add. */
  bestEffortQueue(stage: Stage): StageQueue;
  /** Resolves once the worker fetches jobs. If the store is down, the worker connects in the background. */
  startWorker(stage: Stage, handler: LeadHandler, settings: WorkerSettings): Promise<StageWorker>;
  /** BullMQ's own queues, for the dashboard. */
  bullQueues(): Queue[];
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
