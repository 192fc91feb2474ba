import { STAGES, type Stage } from '../domain/lead-state.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';

const POLL_EVERY_MS = 2000;

export interface LivenessOptions {
  /** The leads in progress in this process's worker of the stage, and how many it has ended so far. */
  progressOf(stage: Stage): { inProgress: number; ended: number };
  /** Jobs that wait for the stage. Rejects where the store does not answer. */
  waiting(stage: Stage): Promise<number>;
  /** Rejects where PostgreSQL does not answer. */
  pingLedger(): Promise<void>;
  /** Whether the stage is paused or its breaker open, so that no progress is expected. */
  blocked(stage: Stage): boolean;
  /** After this time without progress, while there is work and nothing blocks the stage, the worker is stuck. */
  stuckAfterMs: number;
  /** Ends the process, so that its supervisor starts another one. */
  onStuck(stage: Stage): void;
  clock: Clock;
  logger: Logger;
}

/**
 * Detects a worker that answers its health check but makes no progress. Time in which it could not work does not count:
 * a store is down, the stage is paused, or its breaker is open. A restart would not help then.
 */
export class LivenessWatchdog {
  private readonly poller: Poller;
  private readonly seen: Record<Stage, { ended: number; at: number }>;

  constructor(private readonly options: LivenessOptions) {
    const at = options.clock.now();
    this.poller = new Poller({ everyMs: POLL_EVERY_MS, poll: () => this.poll(), stopWithinMs: 0 });
    this.seen = { enrichment: { ended: 0, at }, 'crm-sync': { ended: 0, at } };
  }

  start(): void {
    this.poller.start(POLL_EVERY_MS);
  }

  /** Does not wait for a poll whose store does not answer. */
  stop(): Promise<void> {
    return this.poller.stop();
  }

  /** Reports unready after half of `stuckAfterMs` without progress. */
  get moving(): boolean {
    const { clock, stuckAfterMs } = this.options;
    return STAGES.every((stage) => clock.now() - this.seen[stage].at <= stuckAfterMs / 2);
  }

  async poll(): Promise<void> {
    for (const stage of STAGES) {
      const idle = await this.mayBeIdle(stage).catch(() => true); // a store is down
      const { clock, stuckAfterMs, logger, onStuck } = this.options;
      if (idle) this.seen[stage] = { ended: this.options.progressOf(stage).ended, at: clock.now() };
      else if (clock.now() - this.seen[stage].at > stuckAfterMs) {
        void this.stop();
        const { inProgress } = this.options.progressOf(stage);
        logger.fatal(
          { stage, inProgress, stuckAfterMs },
          'This worker makes no progress while leads wait: it exits, so that its supervisor starts another',
        );
        onStuck(stage);
        return;
      }
    }
  }

  private async mayBeIdle(stage: Stage): Promise<boolean> {
    const { progressOf, waiting, pingLedger, blocked } = this.options;
    const { ended, inProgress } = progressOf(stage);
    if (blocked(stage) || ended !== this.seen[stage].ended) return true;
    const [count] = await Promise.all([waiting(stage), pingLedger()]);
    return count === 0 && inProgress === 0;
  }
}
