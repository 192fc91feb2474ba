import { Global, Module } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { ACCEPT_POOL, CONFIG, LEDGER_POOL } from '../platform/platform.module.js';
import { WORKER_ID } from '../platform/worker-id.js';
import type { Pool } from '../platform/database/pool.js';
import { Ledger } from './ledger.js';

@Global()
@Module({
  providers: [
    {
      provide: Ledger,
      inject: [CONFIG, LEDGER_POOL, ACCEPT_POOL],
      useFactory: (config: Config, pool: Pool, acceptPool: Pool) =>
        new Ledger({
          pool,
          acceptPool,
          worker: WORKER_ID,
          contentIgnore: config.CONTENT_IGNORE,
          retentionDays: config.RETENTION_DAYS,
        }),
    },
  ],
  exports: [Ledger],
})
export class LedgerModule {}
