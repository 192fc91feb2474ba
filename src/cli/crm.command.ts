import { Option, type Command } from 'commander';
import { CRM_PROVIDERS } from '../crm/registry.js';
import { CommandError, EXIT_CODES, INTERRUPTED } from './exit-codes.js';
import {
  backfillText,
  CHECK_COLUMNS,
  checkText,
  compareText,
  DIFFERENCE_COLUMNS,
  membershipsText,
  REFUSED_COLUMNS,
} from './format-crm-report.js';
import { counted } from './format-text.js';
import { group, limitOption, yesOption, type ListOptions } from './options.js';
import type { Session } from './session.js';

/** PostgreSQL, configuration and CRM clients: the commands that talk HTTP start without them. */
const loadStores = () => import('./crm-stores.js');

/** `crm …`: these use the database and the CRM directly, with the settings of the service. */
export function addCrmCommands(program: Command, session: Session): void {
  const crm = group(program.command('crm').description('check, fill and compare the CRM; uses the settings of the service'));

  crm
    .command('check')
    .description('compare the field map with what Salesforce describes; exit code 1 on a problem')
    .action(async () => {
      refuseWithoutSalesforce(session, 'crm check');
      const { configFor, openCrmFor } = await loadStores();
      const { output } = session;
      const provider = await openCrmFor(configFor('salesforce', session.io.env), 'salesforce');
      const check = await provider.check!();
      await output.report(check, check.lines, { columns: CHECK_COLUMNS }, () => checkText(check, output.width));
      if (check.lines.some(({ verdict }) => verdict === 'problem')) session.exitCode = EXIT_CODES.failure;
    });

  crm
    .command('backfill')
    .description('copy synced leads that are missing in a CRM; can be interrupted and run again')
    .addOption(new Option('--to <crm>', 'the CRM that lacks them').choices(Object.keys(CRM_PROVIDERS)).default('salesforce'))
    .option('--dry-run', 'show what would be written, and write nothing')
    .addOption(yesOption())
    .action(async ({ to, dryRun = false, yes = false }: { to: string; dryRun?: boolean; yes?: boolean }) => {
      if (to === 'salesforce') refuseWithoutSalesforce(session, 'crm backfill');
      const [{ progressBar, withStores }, { backfill }] = await Promise.all([loadStores(), import('./crm-backfill.js')]);
      const { output } = session;
      const { report, isInterrupted } = await withStores(to, session.io.env, async ({ config, ledger, provider, signal }) => {
        const pending = await ledger.countPendingIn(provider.name);
        const question = `Write ${counted(pending, 'lead')} to ${to}?`;
        if (pending > 0 && !dryRun) await session.confirm({ question, yes, isOldName: true });
        const bar = progressBar('leads', session.io);
        bar.start(pending);
        const concurrency = Math.min(400, config.CRM_CONCURRENCY);
        return backfill({ ledger, crm: provider, missing: 'record', dryRun, concurrency, progress: bar.update, signal }).finally(
          bar.stop,
        );
      });
      const columns = REFUSED_COLUMNS;
      await output.report(report, report.refused, { columns }, () => backfillText(report, to, dryRun, output.width));
      end(session, isInterrupted, report.refusedCount > 0);
    });

  crm
    .command('memberships')
    .description('add the memberships of leads whose campaign the CRM did not have when they were written')
    .addOption(new Option('--in <crm>', 'the CRM').choices(Object.keys(CRM_PROVIDERS)).default('salesforce'))
    .option('--dry-run', 'show what would be written, and write nothing')
    .addOption(yesOption())
    .action(async ({ in: name, dryRun = false, yes = false }: { in: string; dryRun?: boolean; yes?: boolean }) => {
      if (name === 'salesforce') refuseWithoutSalesforce(session, 'crm memberships');
      const [{ progressBar, withStores }, { backfill }] = await Promise.all([loadStores(), import('./crm-backfill.js')]);
      const { output } = session;
      const { report, isInterrupted } = await withStores(
        name,
        session.io.env,
        async ({ config, ledger, provider: crm, signal }) => {
          const pending = await ledger.countWithoutMember(crm.name);
          const question = `Add the memberships of ${counted(pending, 'lead')} to ${name}?`;
          if (pending > 0 && !dryRun) await session.confirm({ question, yes, isOldName: true });
          const bar = progressBar('leads', session.io);
          bar.start(pending);
          const [concurrency, progress] = [Math.min(400, config.CRM_CONCURRENCY), bar.update];
          return backfill({ ledger, crm, missing: 'membership', dryRun, concurrency, progress, signal }).finally(bar.stop);
        },
      );
      const columns = REFUSED_COLUMNS;
      await output.report(report, report.refused, { columns }, () => membershipsText(report, dryRun, output.width));
      end(session, isInterrupted, report.refusedCount > 0);
    });

  crm
    .command('compare')
    .description("compare each person's record in Salesforce with the ledger, field by field; exit code 1 on a difference")
    .addOption(limitOption())
    .action(async ({ limit }: ListOptions) => {
      refuseWithoutSalesforce(session, 'crm compare');
      const [{ progressBar, withStores }, { compare }] = await Promise.all([loadStores(), import('./crm-compare.js')]);
      const { output } = session;
      const { report, isInterrupted } = await withStores('salesforce', session.io.env, async ({ ledger, provider, signal }) => {
        const bar = progressBar('persons', session.io);
        bar.start(await ledger.countSyncedPersons());
        return compare(ledger, provider, bar.update, signal).finally(bar.stop);
      });
      const columns = DIFFERENCE_COLUMNS;
      await output.report(report, report.examples, { columns }, () => compareText(report, limit, output.width));
      end(session, isInterrupted, report.different > 0);
    });
}

/** A report of a part must not look like one of the whole, in which nothing was found. */
function end(session: Session, isInterrupted: boolean, isFailure: boolean): void {
  if (isInterrupted)
    session.output.note('Interrupted: this is the report of a part. What was written is recorded; run it again.');
  session.exitCode = isInterrupted ? INTERRUPTED : isFailure ? EXIT_CODES.failure : session.exitCode;
}

/** The mock set-up has no Salesforce: the list of all settings that it would need helps less than this. */
function refuseWithoutSalesforce({ io: { env } }: Session, command: string): void {
  if (env['SALESFORCE_LOGIN_URL']?.trim() || env['CRM_PROVIDER']?.trim() === 'salesforce') return;
  throw new CommandError(
    EXIT_CODES.failure,
    `${command} works against Salesforce; set SALESFORCE_LOGIN_URL, SALESFORCE_CLIENT_ID and its secret or key, ` +
      'or try `npm run fakes`.',
  );
}
