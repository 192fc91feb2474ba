import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endOrphan, lives, worksIn, type Ending } from './child-process.js';
import { withClient } from './postgres-client.js';

/**
 * SIGINT waits for a checkpoint, SIGQUIT skips it and PostgreSQL recovers at the next start, SIGKILL ends a frozen
 * server. Together they stay within the stop of the service.
 */
export const POSTGRES_ENDING: Ending = [
  ['SIGINT', 6000],
  ['SIGQUIT', 1000],
  ['SIGKILL', 1000],
];

/**
 * Stops the server that a kill -9 of this service left running on the folder, and removes a stale postmaster.pid,
 * which would block the next start. Its process id may belong to another program by now, or to the server of the
 * folder that this one was copied from. The caller holds the lock of the data folder, so no other process starts
 * here.
 */
export async function endPostgresOrphan(dataFolder: string, urlOf: (port: number) => string): Promise<void> {
  const lockFile = join(dataFolder, 'postmaster.pid');
  const text = await readFile(lockFile, 'utf8').catch(() => null);
  if (text === null) return;
  // Line 1 is the process id, line 4 the port: https://www.postgresql.org/docs/current/storage-file-layout.html
  const [pid, , , port] = text.split('\n').map(Number);
  if (pid && pid > 0 && lives(pid)) {
    const ours = (await worksIn(pid, /^postgres/, dataFolder)) ?? (port ? await servesFrom(dataFolder, urlOf(port)) : null);
    // If it is unknown, PostgreSQL decides, and refuses to start if in doubt.
    if (ours === null) return;
    if (ours) await endOrphan(pid, POSTGRES_ENDING);
    if (ours && lives(pid)) return;
  }
  await rm(lockFile, { force: true });
}

/** Only the server of this folder sees a file that was just created in it. Null if no server of ours answers. */
async function servesFrom(dataFolder: string, url: string): Promise<boolean | null> {
  const name = `revenueflow-${randomUUID()}`;
  await writeFile(join(dataFolder, name), '');
  try {
    return await withClient(url, async (client) => {
      const { rows } = await client.query('SELECT (pg_stat_file($1, true)).size IS NOT NULL AS seen', [name]);
      return (rows[0] as { seen: boolean }).seen;
    });
  } catch {
    return null;
  } finally {
    await rm(join(dataFolder, name), { force: true });
  }
}
