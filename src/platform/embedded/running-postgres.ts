import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { postgresUrlOf } from './postgres.js';

/** Where the embedded PostgreSQL of a running service listens; null where none runs on this folder. */
export async function runningEmbeddedPostgres(folder: string): Promise<string | null> {
  try {
    // Line 4 is the port: https://www.postgresql.org/docs/current/storage-file-layout.html
    const lines = (await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    const password = (await readFile(join(folder, 'password'), 'utf8')).trim();
    return postgresUrlOf(Number(lines[3]), password);
  } catch {
    return null;
  }
}
