import { Global, Module } from '@nestjs/common';
import type { Database } from '../platform/database/database.js';
import { CONTROL_DATABASE } from '../platform/platform.module.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { FlowControlRepository } from './flow-control.repository.js';
import { NoticesRepository } from './notices.repository.js';

@Global()
@Module({
  providers: [
    {
      provide: FlowControlRepository,
      inject: [CONTROL_DATABASE],
      useFactory: (database: Database) => new FlowControlRepository(database, WORKER_ID),
    },
    {
      provide: NoticesRepository,
      inject: [CONTROL_DATABASE],
      useFactory: (database: Database) => new NoticesRepository(database),
    },
  ],
  exports: [FlowControlRepository, NoticesRepository],
})
export class FlowModule {}
