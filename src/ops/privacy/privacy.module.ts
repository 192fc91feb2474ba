import { Module } from '@nestjs/common';
import { SPOOL } from '../../ingress/ingress.module.js';
import type { Spool } from '../../ingress/spool/spool.js';
import { Ledger } from '../../ledger/ledger.js';
import type { Config } from '../../platform/config/config.js';
import type { Logger } from '../../platform/observability/logger.js';
import { CONFIG, LEDGER_POOL, LOGGER } from '../../platform/platform.module.js';
import type { Pool } from '../../platform/database/pool.js';
import type { QueueBackend } from '../../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../../queue/queue.module.js';
import { PrivacyController } from './privacy.controller.js';
import { PrivacyService } from './privacy.service.js';

/** Most receipts are complete by then. */
const CRM_WITHIN_MS = 4000;

/** Beside the ingress alone: whoever erases a person must reach the spool. */
@Module({
  controllers: [PrivacyController],
  providers: [
    {
      provide: PrivacyService,
      inject: [CONFIG, LOGGER, Ledger, LEDGER_POOL, SPOOL, QUEUE_BACKEND],
      useFactory: (config: Config, logger: Logger, ledger: Ledger, pool: Pool, spool: Spool | null, backend: QueueBackend) =>
        // Twice the lease: a run that lasts longer notices by itself that its lead is gone.
        new PrivacyService({ ledger, pool, spool, backend, logger, graceMs: 2 * config.LEASE_MS, crmWithinMs: CRM_WITHIN_MS }),
    },
  ],
})
export class PrivacyModule {}
