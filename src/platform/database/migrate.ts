import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { AppError } from '../../domain/app-error.js';

const MIGRATIONS_FOLDER = join(import.meta.dirname, '../../../migrations');
/** One migrator at a time, whichever process it is in. */
const LOCK_KEY = 0x7e5e_0001;

/**
 * Applies the numbered files of migrations/ that this database has not seen, all in one transaction.
 * @returns the names of the files applied.
 * @throws AppError DATABASE_UNREACHABLE or MIGRATION_FAILED; then nothing was applied.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  client.on('error', () => {}); // a lost connection rejects the running query; without a listener it would end the process
  try {
    await client.connect();
  } catch (cause) {
    throw new AppError('DATABASE_UNREACHABLE', `PostgreSQL does not answer: ${reason(cause)}. Check DATABASE_URL.`, { cause });
  }
  try {
    return await applyPending(client);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('MIGRATION_FAILED', `The schema could not be migrated (nothing was changed): ${reason(cause)}.`, {
      cause,
    });
  } finally {
    await client.end().catch(() => {});
  }
}

async function applyPending(client: pg.Client): Promise<string[]> {
  const files = (await readdir(MIGRATIONS_FOLDER)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort();
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
  await client.query(
    'CREATE TABLE IF NOT EXISTS public.revenueflow_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
  );
  const { rows } = await client.query<{ name: string }>('SELECT name FROM public.revenueflow_migrations');
  const pending = files.filter((name) => !rows.some((row) => row.name === name));
  for (const name of pending) {
    await client.query(await readFile(join(MIGRATIONS_FOLDER, name), 'utf8'));
    await client.query('INSERT INTO public.revenueflow_migrations (name) VALUES ($1)', [name]);
  }
  await client.query('COMMIT');
  return pending;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name) : String(cause);
}
