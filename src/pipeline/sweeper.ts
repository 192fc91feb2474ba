import type { LeaderLock } from '../ledger/leader-lock.js';
import type { OpenLead, OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import { STAGES, stageDueIn, type Stage } from '../domain/lead-state.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueBackend, StageQueue } from '../queue/queue-backend.js';
import { jobRequestOf } from '../queue/job.js';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const PAGE = 1000;
const CLEAN_EVERY_MS = 600_000;
/** A sweep that waits for a store which hangs is left behind: the workers need the time that a stop has. */
const STOP_WITHIN_MS = 1000;

export interface SweeperTools {
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  openLeads: Pick<OpenLeadsRepository, 'openLeads' | 'raiseEpochs'>;
  /** Removes what is kept for long enough. @returns how many leads. */
  prune(): Promise<number>;
  backend: Pick<QueueBackend, 'queue'>;
  logger: Logger;
  /** SWEEP_INTERVAL_MS: also how long a lead must have been left alone before it counts as forgotten. */
  intervalMs: number;
  /** Told after each complete sweep of this process. */
  onSwept?(): void;
}

/**
 * The guarantee behind everything that is best effort: every open lead of the ledger has a job, or gets one here. It asks for
 * each lead's exact job first, so a backlog that merely waits is never doubled.
 */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private nextClean = 0;

  constructor(private readonly tools: SweeperTools) {}

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await withTimeout(this.running, STOP_WITHIN_MS);
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      const began = performance.now();
      this.running = this.sweepQuietly().finally(() => {
        // A sweep of a large backlog takes its time: it may have a fifth of it.
        this.schedule(Math.max(this.tools.intervalMs, 4 * (performance.now() - began)));
      });
    }, delayMs);
  }

  private async sweepQuietly(): Promise<void> {
    try {
      await this.tools.leaderLock.runAsLeader('sweep', async () => {
        const count = await this.sweep();
        const expired = await this.tools.prune();
        if (expired > 0) this.tools.logger.info({ count: expired }, 'Leads were removed that RETENTION_DAYS no longer keeps');
        await this.cleanQueues();
        this.tools.onSwept?.();
        if (count > 0) this.tools.logger.info({ count }, 'The sweeper enqueued leads whose jobs were missing');
      });
    } catch (error) {
      this.tools.logger.warn({ err: error }, 'A sweep was broken off because a store did not answer; the next one goes on');
    }
  }

  /** BullMQ forgets finished jobs when others finish: in a quiet stage it would be never. */
  private async cleanQueues(): Promise<void> {
    if (performance.now() < this.nextClean) return;
    for (const stage of STAGES) await this.tools.backend.queue(stage).clean();
    this.nextClean = performance.now() + CLEAN_EVERY_MS;
  }

  /** Walks all open leads once, a page at a time. @returns how many were enqueued. */
  async sweep(): Promise<number> {
    const { openLeads, intervalMs } = this.tools;
    let count = 0;
    let after = NIL_UUID;
    while (!this.stopped) {
      const page = await openLeads.openLeads(after, intervalMs, PAGE);
      for (const stage of STAGES) {
        count += await this.mend(
          stage,
          page.filter((lead) => stageDueIn(lead.state) === stage),
        );
      }
      if (page.length < PAGE) break;
      after = page.at(-1)!.leadId;
    }
    return count;
  }

  private async mend(stage: Stage, leads: OpenLead[]): Promise<number> {
    if (leads.length === 0) return 0;
    const queue: StageQueue = this.tools.backend.queue(stage);
    const forgotten = new Set((await queue.withoutLiveJob(leads)).map(({ leadId }) => leadId));
    if (forgotten.size === 0) return 0;
    const raised = await this.tools.openLeads.raiseEpochs(leads.filter(({ leadId }) => forgotten.has(leadId)));
    await queue.enqueue(raised.map(jobRequestOf));
    return raised.length;
  }
}
