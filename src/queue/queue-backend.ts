import type { Queue } from 'bullmq';
import type { Stage } from '../domain/lead-state.js';
import type { JobRequest, JobHandler, JobReference } from './job.js';

/** The queue of one stage, for producers and the sweeper. */
export interface StageQueue {
  readonly stage: Stage;
  /** Adds a job per reference. A job that exists is left unchanged. Rejects where the store does not answer. */
  enqueue(requests: JobRequest[]): Promise<void>;
  /** The references without an unfinished job: never added, lost, or finished. */
  withoutLiveJob(references: JobReference[]): Promise<JobReference[]>;
  /** The jobs that live and dead workers have fetched. */
  activeJobs(): Promise<JobReference[]>;
  /** Moves up to `count` late jobs to the head of the queue, so that each runs eventually. */
  promoteLate(count: number): Promise<void>;
  counts(): Promise<QueueCounts>;
  /** Removes finished jobs older than a day. They contain only ids. */
  clean(): Promise<void>;
  /**
   * Removes the jobs of these leads, of this epoch and older ones. A running job is left to end.
   * @returns how many were removed.
   */
  forget(leads: JobReference[]): Promise<number>;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface WorkerSettings {
  /** Jobs in progress at a time; 0 fetches none until `setConcurrency` raises it. */
  concurrency: number;
  leaseMs: number;
  /** An older job cannot meet the speed-to-lead SLA, so jobs that can go first. */
  lateAfterMs: number;
}

export interface StageWorker {
  setConcurrency(concurrency: number): void;
  readonly inProgress: number;
  /** Jobs that this worker has ended so far, with any outcome. */
  readonly ended: number;
  /** Stops fetching jobs and waits for those in progress, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** Where BullMQ keeps its queues. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  queue(stage: Stage): StageQueue;
  /** The same queue with a short timeout, for jobs after an ack. The sweeper enqueues what it could not add. */
  bestEffortQueue(stage: Stage): StageQueue;
  /** Resolves once the worker fetches jobs. If the store is down, the worker connects in the background. */
  startWorker(stage: Stage, handler: JobHandler, settings: WorkerSettings): Promise<StageWorker>;
  /** BullMQ's own queues, for the dashboard. */
  bullQueues(): Queue[];
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
