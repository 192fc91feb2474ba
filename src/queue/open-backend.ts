import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Stores } from '../platform/embedded/open-stores.js';
import type { QueueBackend } from './queue-backend.js';

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
