import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { pino } from 'pino';
import type { CrmProvider } from '../crm/port.js';
import { CRM_PROVIDERS } from '../crm/registry.js';
import { AppError } from '../domain/app-error.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { SharedRateLimiter } from '../flow-control/rate-limiter.js';
import { CrmBackfillRepository } from '../ledger/crm-backfill.repository.js';
import { systemClock } from '../platform/clock.js';
import { loadConfig, type Config } from '../platform/config/config.js';
import { runningEmbeddedPostgres } from '../platform/embedded/postgres.js';
import { Database } from '../platform/database/database.js';
import { openPool } from '../platform/database/pool.js';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { WORKER_ID } from '../platform/worker-id.js';
import type { CliIo } from './io.js';

/** The settings of the service, for a CRM that may not be the one in use yet. */
export function configFor(crm: string, given: CliIo['env']): Config {
  const env = { ...given, ROLE: 'worker', AI_PROVIDER: 'heuristic', CRM_PROVIDER: crm, CRM_SHADOW: '' };
  return loadConfig(env, { aiProviders: ['heuristic'], crmProviders: Object.keys(CRM_PROVIDERS) });
}

export function openCrmFor(config: Config, name: string, databaseUrl = '', database?: Database): Promise<CrmProvider> {
  return CRM_PROVIDERS[name]!({
    config,
    databaseUrl,
    // The calls of a backfill count against the same rate as those of the workers.
    rateLimiter: database
      ? new SharedRateLimiter(new FlowControlRepository(database, WORKER_ID), 'crm-sync', config.CRM_RATE_LIMIT_PER_SECOND)
      : UNLIMITED,
    clock: systemClock,
    logger: pino({ level: 'warn' }, pino.destination(2)),
    observeApiUsage: () => {},
    observeShadow: () => {},
    observeNotice: () => {},
    recordNotice: () => {},
  });
}

interface Opened {
  config: Config;
  ledger: CrmBackfillRepository;
  provider: CrmProvider;
  signal: AbortSignal;
}

/** @returns the report of an act that may have been interrupted: it is of what was looked at until then. */
export async function withStores<T>(
  crm: string,
  env: CliIo['env'],
  act: (opened: Opened) => Promise<T>,
): Promise<{ report: T; isInterrupted: boolean }> {
  const config = configFor(crm, env);
  const databaseUrl = config.DATABASE_URL ?? (await runningEmbeddedPostgres(join(resolve(config.DATA_DIR), 'postgres')));
  if (!databaseUrl) {
    throw new AppError(
      'CONFIG_INVALID',
      'No database: set DATABASE_URL, or start the service, whose embedded PostgreSQL is used then.',
    );
  }
  const pool = openPool({ url: databaseUrl, max: 4, timeoutMs: 60_000, name: 'revenueflow-crm-commands' });
  const database = new Database(pool);
  const provider = await openCrmFor(config, crm, databaseUrl, database);
  const stop = new AbortController();
  // Each lead that is being written listens to it.
  setMaxListeners(0, stop.signal);
  const onSignal = () => stop.abort(new Error('Interrupted. What was written is recorded; the next run continues from there.'));
  process.once('SIGINT', onSignal);
  try {
    const report = await act({ config, ledger: new CrmBackfillRepository(database), provider, signal: stop.signal });
    return { report, isInterrupted: stop.signal.aborted };
  } finally {
    process.off('SIGINT', onSignal);
    await provider.close();
    await pool.end();
  }
}

export function progressBar(unit: string, { stderr }: Pick<CliIo, 'stderr'>) {
  const bar = stderr.isTTY
    ? new SingleBar({ format: `{bar} {percentage}% {value}/{total} ${unit}, {eta_formatted} left`, stream: stderr })
    : null;
  return {
    start: (total: number) => bar?.start(total, 0),
    update: (done: number) => bar?.update(done),
    stop: () => bar?.stop(),
  };
}
