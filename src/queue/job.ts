import { z } from 'zod';

/**
 * The data of a job: the lead, and its epoch. It has no personal data and nothing that can become outdated, since the
 * worker reads the ledger.
 */
export const jobSchema = z.object({ leadId: z.uuid(), epoch: z.number().int().positive() });
export type JobReference = z.infer<typeof jobSchema>;

/** A job to be added, and what determines its place in the queue. */
export interface JobRequest extends JobReference {
  /** When the lead's content was received, in epoch milliseconds: the start of its speed to lead. Default: now. */
  since?: number;
  /** Epoch milliseconds before which the job must not run. */
  dueAt?: number;
  /** Lowest priority, for replays and re-scores. */
  low?: boolean;
  /** Runs before the waiting jobs: it replaces a job that was lost with its worker. */
  first?: boolean;
}

/** The columns of an unfinished lead from which its job is made. */
export interface UnfinishedLead extends JobReference {
  contentAt: Date;
  nextAttemptAt: Date | null;
  lowPriority: boolean;
}

/** Makes the job of an unfinished lead. It keeps the lead's age, its backoff delay and its priority. */
export function jobRequestOf({ leadId, epoch, contentAt, nextAttemptAt, lowPriority }: UnfinishedLead): JobRequest {
  return {
    leadId,
    epoch,
    since: contentAt.getTime(),
    ...(nextAttemptAt ? { dueAt: nextAttemptAt.getTime() } : {}),
    ...(lowPriority ? { low: true } : {}),
  };
}

/** The same reference always has the same id, so adding it twice adds one job. */
export function jobIdOf({ leadId, epoch }: JobReference): string {
  return `${leadId}.${epoch}`;
}

/** The reverse of `jobIdOf`. */
export function referenceOf(jobId: string): JobReference {
  const [leadId, epoch] = jobId.split('.');
  return jobSchema.parse({ leadId, epoch: Number(epoch) });
}

/** What the worker does with the job after the handler has run. */
export type JobOutcome =
  /** Finished, or there was nothing to do. */
  | { kind: 'done' }
  /** Failed; run it again after `delayMs`. */
  | { kind: 'retry'; delayMs: number; code: string }
  /** Not tried: run it again after `delayMs`, without counting a try. */
  | { kind: 'wait'; delayMs: number }
  /** Failed permanently; the ledger has the reason. */
  | { kind: 'dead'; code: string };

export type JobHandler = (reference: JobReference, signal: AbortSignal) => Promise<JobOutcome>;
