import { AppError } from '../../domain/app-error.js';
import type { IntakeRepository } from '../../ledger/intake.repository.js';
import type { LeaderLock } from '../../ledger/leader-lock.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { JobPublisher } from '../../queue/job-publisher.js';
import type { Spool } from './spool.js';

const LOOK_EVERY_MS = 1000;
const CHUNK = 500;

export interface DrainTools {
  intake: Pick<IntakeRepository, 'acceptSpooled'>;
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  spool: Spool;
  publisher: Pick<JobPublisher, 'publish'>;
  logger: Logger;
  metrics: Pick<Metrics, 'spoolEntries'>;
}

/**
 * Brings spooled leads into the ledger, oldest first, one process at a time. An entry is removed only after its commit, so a
 * crash in between drains it again, and the ledger recognises it.
 */
export class SpoolDrainer {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly tools: DrainTools) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.look().finally(() => {
        if (!this.stopped) this.start();
      });
    }, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async look(): Promise<void> {
    try {
      const size = await this.tools.spool.size();
      this.tools.metrics.spoolEntries.set(size);
      if (size > 0) await this.tools.leaderLock.runAsLeader('drain', () => this.drain());
    } catch (error) {
      // Nothing was removed, and the next look goes on. That a store is away has been said; anything else somebody must see.
      if (error instanceof AppError && error.code !== 'LEDGER_UNAVAILABLE') {
        this.tools.logger.error(
          { err: error },
          'The spool cannot be drained: the ledger refuses one of its leads. They are all kept',
        );
      }
    }
  }

  private async drain(): Promise<void> {
    let count = 0;
    while (!this.stopped) {
      const leads = await this.tools.spool.read(CHUNK);
      if (leads.length === 0) break;
      const answers = await this.tools.intake.acceptSpooled(leads);
      await this.tools.spool.remove(leads.map(({ entry }) => entry));
      for (const { leadId, epoch, outcome } of answers) {
        if (outcome !== 'duplicate') this.tools.publisher.publish('enrichment', { leadId, epoch });
      }
      count += leads.length;
    }
    this.tools.metrics.spoolEntries.set(0);
    if (count > 0) this.tools.logger.warn({ count }, 'The spool has been drained into the ledger');
  }
}
