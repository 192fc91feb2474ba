import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Ledger } from '../ledger/ledger.js';
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
      inject: [CONFIG, LOGGER, Ledger, QUEUE_BACKEND, METRICS],
      useFactory: (config: Config, logger: Logger, ledger: Ledger, backend: QueueBackend, metrics: Metrics) =>
        new Sweeper({
          ledger,
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
