import type { JobsOptions } from 'bullmq';

/**
 * The order of jobs. Fresh leads have no priority, and BullMQ runs these first, in the order of receipt. A job past its
 * SLA goes behind them, except one in LATE_TURN and those that `latePromotions` moves to the head. Replays and re-syncs
 * come last. Where the model cannot score all leads, ModelSlots chooses by the heuristic's score.
 */
export const LATE_PRIORITY = 10;
const LOW_PRIORITY = 20;
/** One in this many late jobs at the head of the queue runs at once. */
export const LATE_TURN = 5;
/** The part of a stage's throughput that is reserved for late leads. */
const LATE_SHARE = 0.2;

export function priorityOf(low: boolean | undefined): Pick<JobsOptions, 'priority'> {
  return low ? { priority: LOW_PRIORITY } : {};
}

/** Decides for each job that a worker starts whether to move it behind the leads that can still meet the SLA. */
export class LateJobs {
  private seen = 0;

  constructor(private readonly lateAfterMs: number) {}

  goesBehind(job: { timestamp: number; priority: number; attemptsStarted: number }, now: number): boolean {
    const late = now - job.timestamp > this.lateAfterMs;
    if (!late || job.priority > 0 || job.attemptsStarted > 1) return false;
    return ++this.seen % LATE_TURN !== 0;
  }
}

/** How many late leads move to the head of the queue after `done` others, so that each runs eventually. */
export function latePromotions(done: number): number {
  return Math.ceil(done * LATE_SHARE);
}
