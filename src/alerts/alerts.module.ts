import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { Ledger } from '../ledger/ledger.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LEDGER_POOL, LOGGER } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';
import { AlertStore } from './alert-store.js';
import { Alerts } from './alerts.js';

const ALERTS = Symbol('Alerts');
const PACE = { conditionSeconds: 60, hotLeadSeconds: 10, deadLetterSeconds: 60 };
const RETRY_BASE_MS = 2000;

@Module({
  providers: [
    {
      provide: ALERTS,
      inject: [CONFIG, LOGGER, Ledger, FlowControlRepository, LEDGER_POOL],
      useFactory: (config: Config, logger: Logger, ledger: Ledger, flow: FlowControlRepository, pool: Pool) =>
        config.ALERT_WEBHOOK_URL === undefined
          ? null
          : new Alerts({
              url: config.ALERT_WEBHOOK_URL,
              store: new AlertStore(pool, PACE),
              ledger,
              flow,
              logger,
              slaSeconds: config.SPEED_TO_LEAD_SLA_SECONDS,
              hotLeadScore: config.HOT_LEAD_SCORE,
              intervalMs: config.SWEEP_INTERVAL_MS,
              retryBaseMs: RETRY_BASE_MS,
            }),
    },
  ],
})
export class AlertsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(ALERTS) private readonly alerts: Alerts | null) {}

  onApplicationBootstrap(): void {
    this.alerts?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.alerts?.stop();
  }
}
