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
/** Answers of the queue that one sweep remembers. The leads of a job are spread over the pages. */
const REMEMBERED_JOBS = 20_000;
const CLEAN_EVERY_MS = 600_000;
/**
 * A sweep whose store does not answer is abandoned after this: the workers need the rest of the time for their stop.
 */
const STOP_WITHIN_MS = 1000;

/**
 * Guarantees that every open lead in the ledger has a job, whatever best-effort enqueueing has lost. It asks the queue
 * for the exact jobs that the rows name, so leads of a waiting backlog get no second job.
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
    /** SWEEP_INTERVAL_MS is also the time without a change after which a lead's job may count as missing. */
    @Inject(CONFIG) private readonly config: Pick<Config, 'SWEEP_INTERVAL_MS' | 'RETENTION_DAYS'>,
    @Inject(METRICS) private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poller = new Poller({
      // A sweep of a large backlog may take at most a fifth of the time.
      everyMs: (tookMs) => Math.max(config.SWEEP_INTERVAL_MS, 4 * tookMs),
      poll: (signal) => this.sweepAsLeader(signal),
      onError: (error) =>
        logger.warn({ err: error }, 'A sweep was interrupted because a store did not answer; the next one continues'),
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
      if (expired > 0) logger.info({ count: expired }, 'Removed leads older than RETENTION_DAYS');
      await this.cleanQueues();
      metrics.lastSweep.setToCurrentTime();
      if (count > 0) logger.info({ count }, 'The sweeper enqueued leads whose jobs were missing');
    });
  }

  /** BullMQ removes finished jobs only when other jobs finish, so a quiet stage would keep them. */
  private async cleanQueues(): Promise<void> {
    if (performance.now() < this.nextClean) return;
    for (const stage of STAGES) await this.backend.queue(stage).clean();
    this.nextClean = performance.now() + CLEAN_EVERY_MS;
  }

  /** Checks all open leads once, a page at a time. @returns how many were enqueued. */
  async sweep(signal?: AbortSignal): Promise<number> {
    let count = 0;
    let after = NIL_UUID;
    const jobs: Record<Stage, Map<string, boolean>> = { enrichment: new Map(), 'crm-sync': new Map() };
    for (;;) {
      if (signal?.aborted) return count;
      const page = await this.openLeads.openLeads(after, this.config.SWEEP_INTERVAL_MS, PAGE);
      for (const stage of STAGES) {
        const due = page.filter((lead) => stageDueIn(lead.state) === stage);
        count += await this.requeueMissing(stage, due, jobs[stage]);
      }
      if (page.length < PAGE) return count;
      after = page.at(-1)!.leadId;
    }
  }

  /** `live`: the jobs that this sweep has asked for, and whether they are unfinished. */
  private async requeueMissing(stage: Stage, leads: OpenLead[], live: Map<string, boolean>): Promise<number> {
    const queue = this.backend.queue(stage);
    const unknown = [...new Set(leads.map(({ jobId }) => jobId))].filter((id) => !live.has(id));
    const missing = new Set(await queue.withoutLiveJob(unknown));
    for (const id of unknown) live.set(id, !missing.has(id));
    const forgotten = leads.filter(({ jobId }) => !live.get(jobId));
    if (live.size > REMEMBERED_JOBS) live.clear();
    if (forgotten.length === 0) return 0;
    const raised = await this.openLeads.raiseEpochs(forgotten);
    await queue.enqueue(raised.map(jobRequestOf));
    return raised.length;
  }
}
