import { z } from 'zod';
import type { LeadReference, PlaceInQueue } from '../domain/lead-jobs.js';

const referenceSchema = z.object({ leadId: z.uuid(), epoch: z.number().int().positive() });

/**
 * The data of a job: the leads that it brings forward, each with its epoch, and with the end of its wait where it came
 * back. It has no personal data and nothing that can become outdated, since the worker reads the ledger. An erasure may
 * leave no lead in a job that runs. Earlier versions stored one lead per job, without the list.
 */
export const jobSchema = z.union([
  z.object({ leads: z.array(referenceSchema.extend({ notBefore: z.number().optional() })) }),
  referenceSchema.transform((lead) => ({ leads: [lead] })),
]);

/** A lead as a job names it. */
export interface JobLead extends LeadReference {
  /** Epoch milliseconds before which the lead does not run again. */
  notBefore?: number | undefined;
}

/** Undefined where the job was removed meanwhile, or is not ours. */
export function leadsOf(job: { data: unknown } | undefined): JobLead[] | undefined {
  return jobSchema.safeParse(job?.data).data?.leads;
}

/** A lead whose job is to be added, and what determines the job's place in the queue. */
export interface JobRequest extends LeadReference {
  /** Requests with the same id share a job. The lead's row has it, so that the sweeper can ask for the job. */
  jobId: string;
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
export interface UnfinishedLead extends LeadReference, PlaceInQueue {
  jobId: string;
}

/** Makes the request of an unfinished lead. It keeps the lead's age, its backoff delay and its priority. */
export function jobRequestOf({ leadId, epoch, jobId, contentAt, nextAttemptAt, lowPriority }: UnfinishedLead): JobRequest {
  return {
    leadId,
    epoch,
    jobId,
    since: contentAt.getTime(),
    ...(nextAttemptAt ? { dueAt: nextAttemptAt.getTime() } : {}),
    ...(lowPriority ? { low: true } : {}),
  };
}

/** A job to be added. */
export interface LeadJob extends Omit<JobRequest, 'jobId' | keyof LeadReference> {
  id: string;
  leads: LeadReference[];
}

/**
 * Groups requests into their jobs, in the order of the requests. A job is as old as its newest lead and is due when all
 * of its leads are.
 */
export function jobsOf(requests: readonly JobRequest[]): LeadJob[] {
  const jobs = new Map<string, LeadJob>();
  for (const { jobId, leadId, epoch, ...place } of requests) {
    const job = jobs.get(jobId);
    if (!job) {
      jobs.set(jobId, { id: jobId, leads: [{ leadId, epoch }], ...place });
      continue;
    }
    job.leads.push({ leadId, epoch });
    if (place.since !== undefined) job.since = Math.max(job.since ?? 0, place.since);
    if (place.dueAt !== undefined) job.dueAt = Math.max(job.dueAt ?? 0, place.dueAt);
  }
  return [...jobs.values()];
}

/** What became of a lead that a job has brought forward. */
export type LeadOutcome =
  /** Finished, or there was nothing to do. */
  | { kind: 'done' }
  /** Failed: the ledger has the time of the next attempt, and a later job names the lead. */
  | { kind: 'retry'; delayMs: number; code: string }
  /** Not tried: the lead stays in its job and runs again after `delayMs`. */
  | { kind: 'wait'; delayMs: number }
  /** Failed permanently; the ledger has the reason. */
  | { kind: 'dead'; code: string };

/** Brings one lead of a job forward. It settles the lead by itself, so that the others of the job need not wait. */
export type LeadHandler = (lead: LeadReference, signal: AbortSignal) => Promise<LeadOutcome>;
