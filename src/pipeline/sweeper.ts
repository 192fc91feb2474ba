import { Inject, Injectable } from '@nestjs/common';
import { STAGES, stageDueIn, type Stage } from '../domain/lead-state.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { OpenLeadsRepository, type OpenLead } from '../ledger/open-leads.repository.js';
import { RetentionRepository } from '../ledger/retention.repository.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CONFIG, LOGGER, METRICS } from '../platform/platform.module.js';
import { jobRequestOf } from '../queue/job.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const PAGE = 1000;
const CLEAN_EVERY_MS = 600_000;
/** A sweep that waits for a store which hangs is left behind: the workers need the time that a stop has. */
const STOP_WITHIN_MS = 1000;

/**
 * The guarantee behind everything that is best effort: every open lead of the ledger has a job, or gets one here. It asks for
 * each lead's exact job first, so a backlog that merely waits is never doubled.
 */
@Injectable()
export class Sweeper {
  private readonly poller: Poller;
  private nextClean = 0;

  constructor(
    private readonly leaderLock: LeaderLock,
    private readonly openLeads: OpenLeadsRepository,
    private readonly retention: RetentionRepository,
    private readonly flow: FlowControlRepository,
    @Inject(QUEUE_BACKEND) private readonly backend: Pick<QueueBackend, 'queue'>,
    /** SWEEP_INTERVAL_MS is also how long a lead must have been left alone before its job counts as missing. */
    @Inject(CONFIG) private readonly config: Pick<Config, 'SWEEP_INTERVAL_MS' | 'RETENTION_DAYS'>,
    @Inject(METRICS) private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poller = new Poller({
      // A sweep of a large backlog takes its time: it may have a fifth of it.
      everyMs: (tookMs) => Math.max(config.SWEEP_INTERVAL_MS, 4 * tookMs),
      poll: (signal) => this.sweepAsLeader(signal),
      onError: (error) =>
        logger.warn({ err: error }, 'A sweep was broken off because a store did not answer; the next one goes on'),
      stopWithinMs: STOP_WITHIN_MS,
    });
  }

  start(): void {
    this.poller.start();
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  private async sweepAsLeader(signal: AbortSignal): Promise<void> {
    const { logger, config, metrics } = this;
    await this.leaderLock.runAsLeader('sweep', async () => {
      const count = await this.sweep(signal);
      await this.flow.prune(config.RETENTION_DAYS);
      const expired = await this.retention.prune();
      if (expired > 0) logger.info({ count: expired }, 'Leads were removed that RETENTION_DAYS no longer keeps');
      await this.cleanQueues();
      metrics.lastSweep.setToCurrentTime();
      if (count > 0) logger.info({ count }, 'The sweeper enqueued leads whose jobs were missing');
    });
  }

  /** BullMQ removes finished jobs when others finish: in a quiet stage it would be never. */
  private async cleanQueues(): Promise<void> {
    if (performance.now() < this.nextClean) return;
    for (const stage of STAGES) await this.backend.queue(stage).clean();
    this.nextClean = performance.now() + CLEAN_EVERY_MS;
  }

  /** Walks all open leads once, a page at a time. @returns how many were enqueued. */
  async sweep(signal?: AbortSignal): Promise<number> {
    let count = 0;
    let after = NIL_UUID;
    for (;;) {
      if (signal?.aborted) return count;
      const page = await this.openLeads.openLeads(after, this.config.SWEEP_INTERVAL_MS, PAGE);
      for (const stage of STAGES) {
        count += await this.requeueMissing(
          stage,
          page.filter((lead) => stageDueIn(lead.state) === stage),
        );
      }
      if (page.length < PAGE) return count;
      after = page.at(-1)!.leadId;
    }
  }

  private async requeueMissing(stage: Stage, leads: OpenLead[]): Promise<number> {
    if (leads.length === 0) return 0;
    const queue = this.backend.queue(stage);
    const missing = new Set((await queue.withoutLiveJob(leads)).map(({ leadId }) => leadId));
    if (missing.size === 0) return 0;
    const raised = await this.openLeads.raiseEpochs(leads.filter(({ leadId }) => missing.has(leadId)));
    await queue.enqueue(raised.map(jobRequestOf));
    return raised.length;
  }
}
