import { cp } from 'node:fs/promises';
import { inject } from 'vitest';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';

/** Copies the run's initialised and migrated cluster for a server that a test may kill. */
export async function copyCluster(folder: string): Promise<void> {
  await cp(inject('clusterFolder'), folder, { recursive: true });
}

/** Starts a PostgreSQL in a new `folder`. It runs with fsync, since tests kill it. */
export async function startOwnPostgres(folder: string): Promise<EmbeddedServer> {
  await copyCluster(folder);
  return startEmbeddedPostgres({ folder });
}
