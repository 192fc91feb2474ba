import type { JobsOptions } from 'bullmq';

/**
 * Which leads go first. Fresh leads have no priority, which BullMQ takes first, in the order of their receipt. A job that is past its SLA
 * goes behind them, except one in LATE_TURN and what `latePromotions` moves up again. Replays and re-syncs come last.
 * Where the model cannot take all, ModelSlots chooses by the heuristic's score.
 */
export const LATE_PRIORITY = 10;
const LOW_PRIORITY = 20;
/** Of the late jobs at the head of the queue, one in so many goes on at once. */
export const LATE_TURN = 5;
/** Of what a stage gets done, a fifth goes to late leads. */
const LATE_SHARE = 0.2;

export function priorityOf(low: boolean | undefined): Pick<JobsOptions, 'priority'> {
  return low ? { priority: LOW_PRIORITY } : {};
}

/** Decides for each job that a worker starts whether it first goes behind those that can still meet the SLA. */
export class LateJobs {
  private seen = 0;

  constructor(private readonly lateAfterMs: number) {}

  goesBehind(job: { timestamp: number; priority: number; attemptsStarted: number }, now: number): boolean {
    const late = now - job.timestamp > this.lateAfterMs;
    if (!late || job.priority > 0 || job.attemptsStarted > 1) return false;
    return ++this.seen % LATE_TURN !== 0;
  }
}

/** How many late jobs move to the head of the queue after `done` others: none may wait for ever. */
export function latePromotions(done: number): number {
  return Math.ceil(done * LATE_SHARE);
}
