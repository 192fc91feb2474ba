import { migrate } from '../../src/platform/database/migrate.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';

/** Leaves a stopped cluster with a migrated database in the folder, to be copied. */
export async function createCluster(folder: string): Promise<void> {
  const server = await startEmbeddedPostgres({ folder, settings: { fsync: 'off' } });
  try {
    await migrate(server.url);
  } finally {
    await server.stop();
  }
}
