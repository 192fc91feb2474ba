import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import type { Config } from '../platform/config/config.js';
import { HttpModule } from '../platform/http/http.module.js';
import { CONFIG } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

/** A browser page with the jobs of both queues; loaded only where QUEUE_BOARD is on. */
@Module({ imports: [HttpModule] })
export class QueueDashboardModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly auditLog: AuditLogRepository,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.config.QUEUE_BOARD === 'off') return;
    const { mountQueueDashboard } = await import('./queue-dashboard.js');
    mountQueueDashboard(this.host.httpAdapter.getInstance<FastifyInstance>(), {
      backend: this.backend,
      record: (...act) => this.auditLog.recordAct(...act),
    });
  }
}
