import { Global, Module } from '@nestjs/common';
import { LEDGER_POOL } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { FlowStore } from './flow-control.repository.js';

@Global()
@Module({
  providers: [{ provide: FlowStore, inject: [LEDGER_POOL], useFactory: (pool: Pool) => new FlowStore(pool, WORKER_ID) }],
  exports: [FlowStore],
})
export class FlowModule {}
