import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '../platform/observability/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { JobPublisher } from './job-publisher.js';
import type { QueueBackend } from './queue-backend.js';

export const QUEUE_BACKEND = Symbol('QueueBackend');

@Global()
@Module({})
export class QueueModule {
  static with(backend: QueueBackend): DynamicModule {
    const providers = [
      { provide: QUEUE_BACKEND, useValue: backend },
      { provide: JobPublisher, inject: [LOGGER], useFactory: (logger: Logger) => new JobPublisher(backend, logger) },
    ];
    return { module: QueueModule, providers, exports: providers };
  }
}
