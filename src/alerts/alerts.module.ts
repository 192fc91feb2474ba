import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { SlaRepository } from '../ledger/sla.repository.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { Database } from '../platform/database/database.js';
import { AlertStore } from './alert-store.js';
import { Alerts } from './alerts.js';
import { ConsoleLinks } from './console-links.js';

const ALERTS = Symbol('Alerts');
const PACE = { conditionSeconds: 60, hotLeadSeconds: 10, deadLetterSeconds: 60 };
const RETRY_BASE_MS = 2000;

@Module({
  providers: [
    {
      provide: AlertStore,
      inject: [Database, CONFIG],
      useFactory: (database: Database, { CONSOLE, PUBLIC_URL }: Config) =>
        new AlertStore(database, PACE, new ConsoleLinks(CONSOLE === 'off' ? undefined : PUBLIC_URL)),
    },
    {
      provide: ALERTS,
      inject: [CONFIG, LOGGER, LeaderLock, SlaRepository, FlowControlRepository, AlertStore],
      useFactory: (
        config: Config,
        logger: Logger,
        leaderLock: LeaderLock,
        sla: SlaRepository,
        flow: FlowControlRepository,
        store: AlertStore,
      ) =>
        config.ALERT_WEBHOOK_URL === undefined
          ? null
          : new Alerts({
              url: config.ALERT_WEBHOOK_URL,
              store,
              leaderLock,
              sla,
              flow,
              logger,
              slaSeconds: config.SPEED_TO_LEAD_SLA_SECONDS,
              hotLeadScore: config.HOT_LEAD_SCORE,
              intervalMs: config.SWEEP_INTERVAL_MS,
              retryBaseMs: RETRY_BASE_MS,
            }),
    },
  ],
  exports: [AlertStore],
})
export class AlertsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(ALERTS) private readonly alerts: Alerts | null,
    private readonly store: AlertStore,
  ) {}

  onApplicationBootstrap(): void {
    if (this.alerts) return this.alerts.start();
    // Alerts are off: remove what an earlier configuration left. If PostgreSQL does not answer, the next start does it.
    void Promise.all([this.store.prune(), this.store.forgetDeliveryProblem()]).catch(() => {});
  }

  async onApplicationShutdown(): Promise<void> {
    await this.alerts?.stop();
  }
}
