import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import type { CrmCheck, CrmProvider } from '../crm/port.js';
import { CRM_PROVIDERS } from '../crm/registry.js';
import { AppError } from '../domain/app-error.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { SharedRateLimiter } from '../flow-control/rate-limiter.js';
import { CrmBackfillRepository } from '../ledger/crm-backfill.repository.js';
import { systemClock } from '../platform/clock.js';
import { loadConfig, type Config } from '../platform/config/config.js';
import { runningEmbeddedPostgres } from '../platform/embedded/running-postgres.js';
import { Database } from '../platform/database/database.js';
import { openPool } from '../platform/database/pool.js';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { backfill, type BackfillReport } from './crm-backfill.js';
import { compare, type CompareReport } from './crm-compare.js';

export interface Printing {
  print(document: unknown, text: () => string): void;
  table(head: string[], rows: (string | number)[][], widths?: number[]): string;
}

const MARKS = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' };

/** `ops crm …`: these talk to the database and the CRM themselves, with the settings of the service. */
export function crmCommands({ print, table }: Printing): Command {
  const crm = new Command('crm').description('the CRM: is it set up, what does it lack, does it agree with the ledger');

  crm
    .command('check')
    .description('compares the field map with what Salesforce describes; exits 1 on a problem')
    .action(async () => {
      const provider = await openCrmFor(configFor('salesforce'), 'salesforce');
      const check = await provider.check!();
      print(check, () => checkText(check, table));
      if (check.lines.some(({ verdict }) => verdict === 'problem')) process.exitCode = 1;
    });

  crm
    .command('backfill')
    .description('writes every synced lead that a CRM has not to it; can be broken off and begun again')
    .addOption(new Option('--to <crm>', 'the CRM that lacks them').choices(Object.keys(CRM_PROVIDERS)).default('salesforce'))
    .option('--dry-run', 'find out what would be done, and write nothing')
    .action(async ({ to, dryRun = false }: { to: string; dryRun?: boolean }) => {
      const report = await withStores(to, async ({ config, ledger, provider, signal }) => {
        const bar = progressBar('leads');
        bar.start(await ledger.countPendingIn(provider.name));
        const concurrency = Math.min(400, config.CRM_CONCURRENCY);
        return backfill({ ledger, crm: provider, missing: 'record', dryRun, concurrency, progress: bar.update, signal }).finally(
          bar.stop,
        );
      });
      print(report, () => backfillText(report, to, dryRun, table));
      if (report.refusedCount > 0) process.exitCode = 1;
    });

  crm
    .command('memberships')
    .description('adds the memberships of leads whose campaign the CRM did not have when they were written')
    .addOption(new Option('--in <crm>', 'the CRM').choices(Object.keys(CRM_PROVIDERS)).default('salesforce'))
    .option('--dry-run', 'find out what would be done, and write nothing')
    .action(async ({ in: name, dryRun = false }: { in: string; dryRun?: boolean }) => {
      const report = await withStores(name, async ({ config, ledger, provider, signal }) => {
        const bar = progressBar('leads');
        bar.start(await ledger.countWithoutMember(provider.name));
        const concurrency = Math.min(400, config.CRM_CONCURRENCY);
        const options = {
          ledger,
          crm: provider,
          missing: 'membership' as const,
          dryRun,
          concurrency,
          progress: bar.update,
          signal,
        };
        return backfill(options).finally(bar.stop);
      });
      print(report, () => membershipsText(report, dryRun, table));
      if (report.refusedCount > 0) process.exitCode = 1;
    });

  crm
    .command('compare')
    .description('compares each person’s record in Salesforce with the ledger, field by field; exits 1 on a difference')
    .action(async () => {
      const report = await withStores('salesforce', async ({ ledger, provider, signal }) => {
        const bar = progressBar('persons');
        bar.start(await ledger.countSyncedPersons());
        return compare(ledger, provider, bar.update, signal).finally(bar.stop);
      });
      print(report, () => compareText(report, table));
      if (report.different > 0) process.exitCode = 1;
    });
  return crm;
}

/** The settings of the service, for a CRM that may not be the one in use yet. */
function configFor(crm: string): Config {
  const env = { ...process.env, ROLE: 'worker', AI_PROVIDER: 'heuristic', CRM_PROVIDER: crm, CRM_SHADOW: '' };
  return loadConfig(env, { aiProviders: ['heuristic'], crmProviders: Object.keys(CRM_PROVIDERS) });
}

function openCrmFor(config: Config, name: string, databaseUrl = '', database?: Database): Promise<CrmProvider> {
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
  });
}

interface Opened {
  config: Config;
  ledger: CrmBackfillRepository;
  provider: CrmProvider;
  signal: AbortSignal;
}

async function withStores<T>(crm: string, act: (opened: Opened) => Promise<T>): Promise<T> {
  const config = configFor(crm);
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
  setMaxListeners(0, stop.signal); // one a lead under way
  const onSignal = () => stop.abort(new Error('Interrupted; what was written is noted, and the next run goes on from there.'));
  process.once('SIGINT', onSignal);
  try {
    return await act({ config, ledger: new CrmBackfillRepository(database), provider, signal: stop.signal });
  } finally {
    process.off('SIGINT', onSignal);
    await provider.close();
    await pool.end();
  }
}

function progressBar(unit: string) {
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: `{bar} {percentage}% {value}/{total} ${unit}, {eta_formatted} left`, stream: process.stderr })
    : null;
  return {
    start: (total: number) => bar?.start(total, 0),
    update: (done: number) => bar?.update(done),
    stop: () => bar?.stop(),
  };
}

type Table = Printing['table'];

function checkText({ lines, sample }: CrmCheck, table: Table): string {
  const rows = lines.map(({ subject, from, verdict, detail }) => [subject, from, MARKS[verdict], detail]);
  const problems = lines.filter(({ verdict }) => verdict === 'problem').length;
  const sum =
    problems === 0 ? 'The org takes what this service writes.' : `${problems} problem(s): correct the org or the field map.`;
  return `${table(['field', 'from', '', 'in the org'], rows, [36, 34, 10, 70])}\n\nA sample record:\n${JSON.stringify(sample, null, 2)}\n\n${sum}`;
}

function backfillText(report: BackfillReport, to: string, dryRun: boolean, table: Table): string {
  const acts = Object.entries(report.acts).map(([act, count]) => `${count} ${act}`);
  const sum = dryRun
    ? `${report.leads} leads are not in ${to}: ${report.written} would go through${acts.length > 0 ? ` (${acts.join(', ')})` : ''}, ${report.refusedCount} would be refused or cut. Nothing was written.`
    : `${report.leads} leads were not in ${to}: ${report.written} are now, ${report.refusedCount} were refused.`;
  return `${sum}${refusedText(report, table)}`;
}

function membershipsText(report: BackfillReport, dryRun: boolean, table: Table): string {
  const sum = dryRun
    ? `${report.leads} leads have no membership: ${report.written} would get one, ${report.refusedCount} would not. Nothing was written.`
    : `${report.leads} leads had no membership: ${report.written} have one now, ${report.refusedCount} have none.`;
  return `${sum}${refusedText(report, table)}`;
}

function refusedText({ refused }: BackfillReport, table: Table): string {
  if (refused.length === 0) return '';
  const rows = refused.map(({ leadId, reason }) => [leadId, reason]);
  return `\n${table(['lead', 'why'], rows, [38, 110])}`;
}

function compareText({ persons, different, missing, fields, examples }: CompareReport, table: Table): string {
  const sum = `${persons} persons compared: ${persons - different} agree, ${different - missing} differ, ${missing} have no record.`;
  if (different === 0) return sum;
  const byField = table(['field', 'differs for'], Object.entries(fields), [36, 14]);
  const shown = examples
    .slice(0, 20)
    .map(({ leadId, field, expected, actual }) => [leadId, field ?? '', String(expected), String(actual)]);
  return `${sum}\n${byField}\n${table(['lead', 'field', 'ledger', 'CRM'], shown, [38, 26, 40, 40])}`;
}
