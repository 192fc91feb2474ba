import { pino } from 'pino';
import { migrate } from '../../src/platform/database/migrate.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { openPostgresBackend } from '../../src/queue/postgres-backend.js';

/**
 * Leaves a stopped cluster in the folder, to be copied. Its database is migrated and has BullMQ's tables, which take
 * longer to create than most tests that need them. The starts on an empty folder create them anew.
 */
export async function createCluster(folder: string): Promise<void> {
  const server = await startEmbeddedPostgres({ folder, settings: { fsync: 'off' } });
  try {
    await migrate(server.url);
    const queues = await openPostgresBackend({ url: server.url, logger: pino({ level: 'silent' }) });
    await queues.close();
  } finally {
    await server.stop();
  }
}
