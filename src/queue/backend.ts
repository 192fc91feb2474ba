import type { Stage } from '../lead/state.js';
import type { JobHandler, JobReference } from './job.js';

/** One stage's queue, as producers and the sweeper use it. */
export interface StageQueue {
  readonly stage: Stage;
  /** Adds a job for each reference; one that is there already is left alone. Rejects where the store does not answer. */
  enqueue(references: JobReference[]): Promise<void>;
  /** Those of the references that no job will bring forward: never added, lost, or finished. */
  withoutLiveJob(references: JobReference[]): Promise<JobReference[]>;
  counts(): Promise<QueueCounts>;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface WorkerSettings {
  concurrency: number;
  leaseMs: number;
}

export interface StageWorker {
  /** Stops taking jobs and waits for those in hand, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** Where BullMQ keeps its queues. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  queue(stage: Stage): StageQueue;
  /** Resolves once the worker takes jobs; a store that is down now is waited for in the background. */
  startWorker(stage: Stage, handler: JobHandler, settings: WorkerSettings): Promise<StageWorker>;
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
