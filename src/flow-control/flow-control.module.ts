import { Global, Module } from '@nestjs/common';
import { LEDGER_POOL } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { FlowControlRepository } from './flow-control.repository.js';

@Global()
@Module({
  providers: [
    {
      provide: FlowControlRepository,
      inject: [LEDGER_POOL],
      useFactory: (pool: Pool) => new FlowControlRepository(pool, WORKER_ID),
    },
  ],
  exports: [FlowControlRepository],
})
export class FlowModule {}
