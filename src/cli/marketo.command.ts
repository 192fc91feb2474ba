import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, Option, type Command } from 'commander';
import type { MarketoArrivals } from '../ledger/marketo-arrivals.repository.js';
import { CommandError, EXIT_CODES } from './exit-codes.js';
import {
  CHECK_COLUMNS,
  checkText,
  MISSING_COLUMNS,
  reportText,
  runText,
  type SentReport,
  type SentRun,
} from './format-marketo.js';
import { counted } from './format-text.js';
import { group, yesOption } from './options.js';
import { readSince } from './read-since.js';
import type { Session } from './session.js';

const LOOK_EVERY_MS = 1000;
/** A worker takes a run up within seconds; a long window is read at Marketo's rate. */
const RUN_WITHIN_MS = 15 * 60_000;

interface BackfillOptions {
  dryRun?: boolean;
  retry?: boolean;
  yes?: boolean;
}

/** `marketo …`: what is owed to Marketo, and what its log says of our webhook. `check` calls Marketo itself. */
export function addMarketoCommands(program: Command, session: Session): void {
  const marketo = group(
    program.command('marketo').description('check Marketo, write scores back, and find webhook calls that never arrived'),
  );

  marketo
    .command('check')
    .description('find mistakes in the set-up of Marketo, the fields and the webhook; exit code 1 on a problem')
    .action(async () => {
      if (!session.io.env['MARKETO_BASE_URL']?.trim()) {
        const names = 'MARKETO_BASE_URL, MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET';
        throw new CommandError(
          EXIT_CODES.failure,
          `marketo check works against Marketo; set ${names}, or try \`npm run fakes\`.`,
        );
      }
      const { runMarketoCheck } = await import('./marketo-stores.js');
      const { client, output } = session;
      const arrivals = await client.get<MarketoArrivals>('/ops/marketo/arrivals').catch((error: Error) => {
        output.note(`What arrived at the service is not looked at: ${error.message}`);
        return null;
      });
      const lines = await runMarketoCheck(session.io.env, arrivals);
      await output.report({ lines }, lines, { columns: CHECK_COLUMNS }, () => checkText(lines, output.width));
      if (lines.some(({ verdict }) => verdict === 'problem')) session.exitCode = EXIT_CODES.failure;
    });

  marketo
    .command('status')
    .description('show what is owed to Marketo, the quota, and which webhook calls are missing')
    .action(async () => {
      const { client, output, times } = session;
      const report = await client.get<SentReport>('/ops/marketo');
      const { missingCalls } = report.reconciliation;
      await output.report(report, missingCalls, { columns: MISSING_COLUMNS }, () => reportText(report, times, output.width));
    });

  marketo
    .command('reconcile')
    .description("compare a window of Marketo's log with the ledger now; exit code 1 where calls are missing")
    .addOption(new Option('--since <time>', 'the begin of the window, e.g. 2026-11-26T00:00:00Z or 12h').argParser(readSince))
    .option('--repair', 'take the missing leads in; the window may begin 8 days ago at most')
    .addOption(yesOption())
    .action(async ({ since, repair = false, yes = false }: { since?: string; repair?: boolean; yes?: boolean }) => {
      if (repair) await session.confirm({ question: 'Take the leads in that are missing?', yes });
      const { client, output } = session;
      const begun = await client.post<SentRun>('/ops/marketo/reconcile', { ...(since ? { since } : {}), repair });
      const run = (await isPaused(session)) ? begun : await runEnded(session, begun);
      await output.document(run, () => runText(run, output.width));
      if (run.state === 'open' || (run.classes['missing'] ?? 0) > 0) session.exitCode = EXIT_CODES.failure;
    });

  marketo
    .command('backfill')
    .description('write the scores that Marketo does not show; can be interrupted and run again')
    .option('--dry-run', 'count them, and change nothing')
    .option('--retry', 'also people whom Marketo refused or did not know')
    .addOption(yesOption())
    .action((options: BackfillOptions) => backfill(session, options));

  for (const act of ['pause', 'resume'] as const) {
    marketo
      .command(act)
      .addArgument(new Argument('<task>', 'what calls Marketo').choices(['marketo-sync', 'marketo-reconciliation']))
      .description(act === 'pause' ? 'stop calling Marketo for a task; nothing is lost' : 'call Marketo again')
      .action(async (task: string) => {
        const answer = await session.client.post(`/ops/marketo/${task}/${act}`, {});
        await session.output.done(answer, () => (act === 'pause' ? `${task} is paused.` : `Resumed ${task}.`));
      });
  }
}

async function backfill(session: Session, { dryRun = false, retry = false, yes = false }: BackfillOptions): Promise<void> {
  const { client, output } = session;
  const { progressBar } = await import('./crm-stores.js');
  if (!dryRun) await session.confirm({ question: 'Write every score that Marketo does not show?', yes });
  const report = { people: 0, owed: 0 };
  const bar = progressBar('people', session.io);
  bar.start(0);
  for (let after: string | null = ''; after !== null;) {
    const page: { people: number; owed: number; next?: string | null } = await client.post('/ops/marketo/backfill', {
      after,
      retry,
      dryRun,
    });
    report.people += page.people;
    report.owed += page.owed;
    bar.update(report.people);
    after = page.next === undefined || page.next === after ? null : page.next;
  }
  bar.stop();
  const sum = `${counted(report.people, 'person', 'people')} in the ledger`;
  await output.done(report, () =>
    dryRun
      ? `${sum}: ${report.owed} would be written. Nothing was changed.`
      : `${sum}: ${report.owed} will be written by the workers; \`marketo status\` shows how many are left.`,
  );
}

/** A paused task takes no run up, and waiting for it would say nothing for a quarter of an hour. */
async function isPaused({ client, output }: Session): Promise<boolean> {
  const { stage } = (await client.get<SentReport>('/ops/marketo')).reconciliation;
  if (stage.paused) {
    output.note(`${stage.name} is paused by ${stage.pausedBy}: the run begins after \`marketo resume ${stage.name}\`.`);
  }
  return stage.paused;
}

/** @returns the run as it is at its end, or after so long. */
async function runEnded({ client, output }: Session, begun: SentRun): Promise<SentRun> {
  const deadline = performance.now() + RUN_WITHIN_MS;
  let run = begun;
  let said: string | null = null;
  while (run.state === 'open' && performance.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    run = await client.get<SentRun>(`/ops/marketo/runs/${run.id}`);
    if (run.problem && run.problem !== said) output.note((said = run.problem));
  }
  return run;
}
