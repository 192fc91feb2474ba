import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import { RetentionRepository } from '../ledger/retention.repository.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CONFIG, LOGGER, METRICS } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { Sweeper } from './sweeper.js';

@Module({
  providers: [
    {
      provide: Sweeper,
      inject: [
        CONFIG,
        LOGGER,
        LeaderLock,
        OpenLeadsRepository,
        RetentionRepository,
        FlowControlRepository,
        QUEUE_BACKEND,
        METRICS,
      ],
      useFactory: (
        config: Config,
        logger: Logger,
        leaderLock: LeaderLock,
        openLeads: OpenLeadsRepository,
        retention: RetentionRepository,
        flow: FlowControlRepository,
        backend: QueueBackend,
        metrics: Metrics,
      ) =>
        new Sweeper({
          leaderLock,
          openLeads,
          prune: async () => {
            await flow.prune(config.RETENTION_DAYS);
            return retention.prune();
          },
          backend,
          logger,
          intervalMs: config.SWEEP_INTERVAL_MS,
          onSwept: () => metrics.lastSweep.setToCurrentTime(),
        }),
    },
  ],
  exports: [Sweeper],
})
export class RecoveryModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly sweeper: Sweeper) {}

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.sweeper.stop();
  }
}
