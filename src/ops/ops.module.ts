import { Module } from '@nestjs/common';
import { LEDGER_POOL } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';
import { JobPublisher } from '../queue/job-publisher.js';
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
      inject: [LEDGER_POOL, JobPublisher],
      useFactory: (pool: Pool, publisher: JobPublisher) => new DeadLetters(pool, publisher),
    },
  ],
})
export class OpsModule {}
