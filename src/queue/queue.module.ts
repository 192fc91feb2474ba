import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import type { Stores } from '../platform/embedded/open-stores.js';
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

/** Opens the backend that the configuration chose, and loads only its client. */
export async function openQueueBackend(
  config: Config,
  stores: Pick<Stores, 'databaseUrl' | 'redisUrl'>,
  logger: Logger,
): Promise<QueueBackend> {
  if (stores.redisUrl !== null && config.QUEUE_BACKEND !== 'postgres') {
    const { openRedisBackend } = await import('./redis-backend.js');
    return openRedisBackend({ url: stores.redisUrl, logger });
  }
  const { openPostgresBackend } = await import('./postgres-backend.js');
  return openPostgresBackend({ url: stores.databaseUrl, logger });
}
