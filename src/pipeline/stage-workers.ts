import type { Stage } from '../lead/state.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/logger.js';
import type { QueueBackend, StageWorker } from '../queue/backend.js';
import type { JobHandler } from '../queue/job.js';

const CLOSE_WITHIN_MS = 5000;

/** The two processors: one worker a stage. */
export class StageWorkers {
  private workers: StageWorker[] = [];

  constructor(
    private readonly backend: QueueBackend,
    private readonly handlers: Record<Stage, JobHandler>,
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    const { AI_CONCURRENCY, CRM_CONCURRENCY, LEASE_MS } = this.config;
    const concurrency: Record<Stage, number> = { enrichment: AI_CONCURRENCY, 'crm-sync': CRM_CONCURRENCY };
    for (const stage of ['enrichment', 'crm-sync'] as const) {
      const settings = { concurrency: concurrency[stage], leaseMs: LEASE_MS };
      this.workers.push(await this.backend.startWorker(stage, this.handlers[stage], settings));
    }
    this.logger.debug('The stage workers take jobs');
  }

  /** Finishes the jobs in hand; those that take longer are left to their leases, and others take them over. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close(CLOSE_WITHIN_MS)));
    this.workers = [];
  }
}
