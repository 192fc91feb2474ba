import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../../domain/app-error.js';

const MIGRATIONS_FOLDER = join(import.meta.dirname, '../../../migrations');
/** One migrator at a time, across all processes. */
const LOCK_KEY = 0x7e5e_0001;
const LOCK_POLL_MS = 200;
/**
 * How long a file waits for a table lock. The service's own statements queue behind a waiting lock, so this also bounds
 * the delay of acknowledgements.
 */
const LOCK_TIMEOUT_MS = 3000;
const LOCK_ATTEMPTS = 5;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * First line of a file whose statements run one by one without a transaction, as CREATE INDEX CONCURRENTLY requires.
 * They must be repeatable, since a file that fails halfway is run again.
 */
const NO_TRANSACTION = '-- no transaction';
/**
 * First line of a file after which earlier versions of the service cannot run: they refuse to start. Without it a
 * rollback to an earlier version is possible.
 */
const BREAKS_EARLIER_VERSIONS = '-- breaks earlier versions';

/**
 * Applies the numbered files of migrations/ that this database does not have yet, each in its own transaction.
 * @returns the names of the files applied.
 * @throws AppError DATABASE_UNREACHABLE, or MIGRATION_FAILED. The latter names the file that failed; the files before
 * it are applied.
 */
export async function migrate(databaseUrl: string, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  client.on('error', () => {}); // a lost connection rejects the running query; without a listener it would end the process
  try {
    await client.connect();
  } catch (cause) {
    throw new AppError('DATABASE_UNREACHABLE', `PostgreSQL does not answer: ${reason(cause)}. Check DATABASE_URL.`, { cause });
  }
  try {
    // Polled, because a session that waits for a lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for it.
    while (!(await tryLock(client))) await sleep(LOCK_POLL_MS);
    return await applyPending(client, folder);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('MIGRATION_FAILED', `The schema could not be migrated: ${reason(cause)}.`, { cause });
  } finally {
    await client.end().catch(() => {});
  }
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [LOCK_KEY]);
  return rows[0]!.locked;
}

async function applyPending(client: pg.Client, folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort();
  await client.query(
    'CREATE TABLE IF NOT EXISTS public.revenueflow_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
  );
  await client.query(
    'ALTER TABLE public.revenueflow_migrations ADD COLUMN IF NOT EXISTS breaks_earlier_versions boolean NOT NULL DEFAULT false',
  );
  const { rows } = await client.query<{ name: string; breaks_earlier_versions: boolean }>(
    'SELECT name, breaks_earlier_versions FROM public.revenueflow_migrations ORDER BY name',
  );
  const newer = rows.find((row) => row.breaks_earlier_versions && !files.includes(row.name));
  if (newer) {
    throw new AppError(
      'MIGRATION_FAILED',
      `The schema is newer than this version of the service, which cannot run on it (${newer.name}). Nothing was changed. ` +
        'Start the newer version.',
    );
  }
  const pending = files.filter((name) => !rows.some((row) => row.name === name));
  for (const name of pending) {
    try {
      await apply(client, name, await readFile(join(folder, name), 'utf8'));
    } catch (cause) {
      throw new AppError('MIGRATION_FAILED', `The schema could not be migrated: ${name} is not applied: ${reason(cause)}.`, {
        cause,
      });
    }
  }
  return pending;
}

async function apply(client: pg.Client, name: string, text: string): Promise<void> {
  const record = {
    text: 'INSERT INTO public.revenueflow_migrations (name, breaks_earlier_versions) VALUES ($1, $2)',
    values: [name, text.startsWith(BREAKS_EARLIER_VERSIONS)],
  };
  if (text.startsWith(NO_TRANSACTION)) {
    for (const statement of text.split(/;\s*$/m).filter((part) => part.replaceAll(/^\s*--.*$/gm, '').trim() !== '')) {
      await client.query(statement);
    }
    await client.query(record);
    return;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query(text);
      await client.query(record);
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {}); // the connection is lost: the transaction is too
      if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE || attempt === LOCK_ATTEMPTS) throw error;
    }
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name) : String(cause);
}
