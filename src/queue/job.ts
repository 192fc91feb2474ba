import { z } from 'zod';

/**
 * All that a job carries: which lead to bring forward, and which of its re-queues this is. No personal data, nothing that
 * could go stale: the worker reads the ledger.
 */
export const jobSchema = z.object({ leadId: z.uuid(), epoch: z.number().int().positive() });
export type JobReference = z.infer<typeof jobSchema>;

/** A job to be added, and what its place in the queue depends on. */
export interface JobRequest extends JobReference {
  /** When the lead's content was received, in milliseconds since 1970: its speed to lead counts from here. Default: now. */
  since?: number;
  /** Not to be run before this. */
  dueAt?: number;
  /** Behind every other job: replays and re-scores. */
  low?: boolean;
  /** Ahead of the waiting jobs: the lead has had its turn, and the job was lost with its worker. */
  first?: boolean;
}

/** The columns of an unfinished lead that its job is made of. */
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

/** The same reference always gets the same id, so adding it twice adds one job. */
export function jobIdOf({ leadId, epoch }: JobReference): string {
  return `${leadId}.${epoch}`;
}

/** The reverse of `jobIdOf`. */
export function referenceOf(jobId: string): JobReference {
  const [leadId, epoch] = jobId.split('.');
  return jobSchema.parse({ leadId, epoch: Number(epoch) });
}

/** What a handler wants done with its job. */
export type JobOutcome =
  /** Finished, or nothing was left to do. */
  | { kind: 'done' }
  /** Failed; run it again after `delayMs`. */
  | { kind: 'retry'; delayMs: number; code: string }
  /** Not tried: run it again after `delayMs`, without counting a try. */
  | { kind: 'wait'; delayMs: number }
  /** Failed for good; the ledger has the reason. */
  | { kind: 'dead'; code: string };

export type JobHandler = (reference: JobReference, signal: AbortSignal) => Promise<JobOutcome>;
