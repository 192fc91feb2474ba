import { Module } from '@nestjs/common';
import { LEDGER_POOL } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';
import { Announcer } from '../queue/job-publisher.js';
import { DeadLetters } from './dead-letters/dead-letters.service.js';
import { CostsController } from './costs.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { HealthController } from './health.controller.js';
import { OpsLeadsController } from './leads.controller.js';
import { MetricsController } from './metrics.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { QueuesController } from './queues.controller.js';
import { SlaController } from './sla.controller.js';

@Module({
  controllers: [
    CostsController,
    DeadLettersController,
    HealthController,
    MetricsController,
    OpenApiController,
    OpsLeadsController,
    QueuesController,
    SlaController,
  ],
  providers: [
    {
      provide: DeadLetters,
      inject: [LEDGER_POOL, Announcer],
      useFactory: (pool: Pool, announcer: Announcer) => new DeadLetters(pool, announcer),
    },
  ],
})
export class OpsModule {}
