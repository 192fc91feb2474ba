import type { Queue } from 'bullmq';
import type { Stage } from '../domain/lead-state.js';
import type { JobRequest, JobHandler, JobReference } from './job.js';

/** One stage's queue, as producers and the sweeper use it. */
export interface StageQueue {
  readonly stage: Stage;
  /** Adds a job for each reference; one that is there already is left alone. Rejects where the store does not answer. */
  enqueue(requests: JobRequest[]): Promise<void>;
  /** Those of the references that no job will bring forward: never added, lost, or finished. */
  withoutLiveJob(references: JobReference[]): Promise<JobReference[]>;
  /** The jobs that workers have fetched, of living and of dead ones. */
  activeJobs(): Promise<JobReference[]>;
  /** Moves up to `count` of the late jobs, which wait behind all others, to the head: none may wait for ever. */
  promoteLate(count: number): Promise<void>;
  counts(): Promise<QueueCounts>;
  /** Removes finished jobs that are older than a day. They have nothing but ids. */
  clean(): Promise<void>;
  /** Removes what the queue has of these leads, this epoch's job and older ones; a job that is running ends by itself. @returns how many. */
  forget(leads: JobReference[]): Promise<number>;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface WorkerSettings {
  /** Jobs in hand at a time; 0 takes none until `setConcurrency` says otherwise. */
  concurrency: number;
  leaseMs: number;
  /** A job older than this cannot meet the speed-to-lead SLA any more: those that can go first. */
  lateAfterMs: number;
}

export interface StageWorker {
  setConcurrency(concurrency: number): void;
  readonly inHand: number;
  /** Jobs that this worker has ended so far, in whatever way. */
  readonly ended: number;
  /** Stops taking jobs and waits for those in hand, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** Where BullMQ keeps its queues. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  queue(stage: Stage): StageQueue;
  /** The same queue for announcements after an ack: it gives up soon, since the sweeper makes up for what it does not say. */
  bestEffortQueue(stage: Stage): StageQueue;
  /** Resolves once the worker takes jobs; a store that is down now is waited for in the background. */
  startWorker(stage: Stage, handler: JobHandler, settings: WorkerSettings): Promise<StageWorker>;
  /** The queues as BullMQ has them, for the board. */
  bullQueues(): Queue[];
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
