import { Module } from '@nestjs/common';
import { SPOOL } from '../../ingress/ingress.module.js';
import type { Spool } from '../../ingress/spool/spool.js';
import { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import { ErasuresRepository } from '../../ledger/erasures.repository.js';
import { LeaderLock } from '../../ledger/leader-lock.js';
import { RejectionsRepository } from '../../ledger/rejections.repository.js';
import type { Config } from '../../platform/config/config.js';
import type { Logger } from '../../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../../platform/platform.module.js';
import type { QueueBackend } from '../../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../../queue/queue.module.js';
import { PrivacyController } from './privacy.controller.js';
import { PrivacyService } from './privacy.service.js';

/** Most receipts are complete within this time. */
const CRM_WITHIN_MS = 4000;

/** Only in processes with the ingress: an erasure must reach the spool. */
@Module({
  controllers: [PrivacyController],
  providers: [
    {
      provide: PrivacyService,
      inject: [CONFIG, LOGGER, ErasuresRepository, RejectionsRepository, AuditLogRepository, LeaderLock, SPOOL, QUEUE_BACKEND],
      useFactory: (
        config: Config,
        logger: Logger,
        erasures: ErasuresRepository,
        rejections: RejectionsRepository,
        auditLog: AuditLogRepository,
        leaderLock: LeaderLock,
        spool: Spool | null,
        backend: QueueBackend,
      ) => {
        // Twice the lease: a run that lasts longer detects by itself that its lead is gone.
        const graceMs = 2 * config.LEASE_MS;
        const stores = { erasures, rejections, auditLog, leaderLock, spool, backend };
        return new PrivacyService({ ...stores, logger, graceMs, crmWithinMs: CRM_WITHIN_MS });
      },
    },
  ],
  exports: [PrivacyService],
})
export class PrivacyModule {}
