import { InvalidArgumentError, Option, type Command } from 'commander';
import type { z } from 'zod';
import type { championSchema, trialListSchema, trialReportSchema, trialSchema } from '../ops/trials/trials.schemas.js';
import { TARGETS } from '../outcomes/outcome.js';
import { STRATA, TRIAL_KINDS } from '../trials/trial-kinds.js';
import { usageError } from './exit-codes.js';
import { championText, listText, MOVER_COLUMNS, TRIAL_COLUMNS, trialText } from './format-trials.js';
import { jsonFile, textOfFile } from './json-file.js';
import { group, yesOption } from './options.js';
import { readCount, readPositive } from './paging.js';
import { readSince } from './read-since.js';
import type { Session } from './session.js';

type Trial = z.output<typeof trialSchema>;
type Report = z.output<typeof trialReportSchema>;
type Champion = z.output<typeof championSchema>;

interface RunOptions {
  challenger?: string;
  profile?: string;
  prompt?: string;
  since?: string;
  sample?: number;
  stratify?: string;
  share?: number;
  tokens?: number;
  rate?: number;
  target: string;
  horizon?: number;
  maxErrors?: number;
  maxDisagreement?: number;
  maxCost?: number;
  note?: string;
  yes?: boolean;
}

/** `trials …`: another scorer, prompt or profile beside the one in use. */
export function addTrialCommands(program: Command, session: Session): void {
  const trials = group(program.command('trials').description('try another scorer, prompt or profile, and put it into use'));
  addRunCommand(trials, session);
  trials
    .command('list')
    .description('list the trials, the newest first, and the scorer in use')
    .action(async () => {
      const answer = await session.client.get<z.output<typeof trialListSchema>>('/ops/trials');
      const columns = TRIAL_COLUMNS;
      await session.output.report(answer, answer.items, { columns }, () => listText(answer, session.output.width));
    });
  trials
    .command('show')
    .argument('<trial>', 'its number', readCount)
    .description('show what a trial shows: agreement, band changes, cost, outcomes, the leads that move most')
    .action(async (trial: number) => printReport(session, await session.client.get<Report>(`/ops/trials/${trial}`)));
  trials
    .command('stop')
    .argument('<trial>', 'its number', readCount)
    .description('end a trial; the scorer in use scores all leads again')
    .action(async (trial: number) => printReport(session, await session.client.post<Report>(`/ops/trials/${trial}/stop`, {})));
  trials
    .command('promote')
    .argument('<trial>', 'its number', readCount)
    .option('--force', 'also where the trial speaks against it')
    .addOption(yesOption())
    .description('put the challenger of a trial into use for all leads from now on')
    .action(async (trial: number, { force = false, yes = false }: { force?: boolean; yes?: boolean }) => {
      await session.confirm({ question: `Put the challenger of trial ${trial} into use for all leads?`, yes });
      await printChampion(session, await session.client.post<Champion>(`/ops/trials/${trial}/promote`, { force }));
    });
  trials
    .command('rollback')
    .addOption(yesOption())
    .description('return to the scorer that was in use before the last promotion')
    .action(async ({ yes = false }: { yes?: boolean }) => {
      await session.confirm({ question: 'Return to the scorer that was in use before?', yes });
      await printChampion(session, await session.client.post<Champion>('/ops/trials/rollback', {}));
    });
}

function addRunCommand(trials: Command, session: Session): void {
  const share = (about: string, flag: string) => new Option(`${flag} <share>`, about).argParser(readShare);
  trials
    .command('run')
    .argument('<kind>', TRIAL_KINDS.join(', '))
    .description('start a trial; workers run it while no lead waits')
    .option('--challenger <provider>', 'another scorer, with or without its model: gemini, gemini=gemini-flash-latest, heuristic')
    .option('--profile <file>', 'another scoring profile')
    .option('--prompt <file>', 'another prompt')
    .addOption(new Option('--since <time>', 'backtest: leads of this time, e.g. 30d').argParser(readSince))
    .addOption(new Option('--sample <n>', 'leads at most').argParser(readCount))
    .option('--stratify <list>', `backtest: spread the sample evenly over ${STRATA.join(', ')}`)
    .addOption(share('shadow, challenge: share of persons, e.g. 0.1', '--share'))
    .addOption(new Option('--tokens <n>', 'tokens of a day at most').argParser(readCount))
    .addOption(new Option('--rate <n>', 'calls of a model per second at most, per worker').argParser(readPositive))
    .addOption(new Option('--target <outcome>', 'what counts as success').choices(TARGETS).default('converted'))
    .addOption(new Option('--horizon <days>', 'how long a lead may take').argParser(readCount))
    .addOption(share('stop at a higher share of failed leads', '--max-errors'))
    .addOption(share('stop at a higher share of leads in another band', '--max-disagreement'))
    .addOption(new Option('--max-cost <usd>', 'stop at a higher mean cost per lead').argParser(readPositive))
    .option('--note <text>', 'why, for the reader of the list')
    .addOption(yesOption())
    .action(async (kind: string, options: RunOptions) => {
      const body = await requestOf(kind, options);
      if (kind === 'challenge') {
        const question = 'Live leads of this share get the score of the challenger. Start the challenge?';
        await session.confirm({ question, yes: options.yes === true });
      }
      const trial = await session.client.post<Trial>('/ops/trials', body);
      await session.output.document(
        trial,
        () => `Trial ${trial.id} has started (${trial.kind}). See it with \`revenueflow trials show ${trial.id}\`.`,
      );
    });
}

async function requestOf(kind: string, options: RunOptions): Promise<object> {
  if (!(TRIAL_KINDS as readonly string[]).includes(kind)) throw usageError(`The kind must be one of ${TRIAL_KINDS.join(', ')}.`);
  const [provider, model] = options.challenger?.split('=', 2) ?? [];
  const { since, sample, share, tokens, rate, target, horizon, note, maxErrors, maxDisagreement, maxCost } = options;
  return given({
    kind,
    challenger: given({
      provider,
      model,
      profile: options.profile === undefined ? undefined : await jsonFile(options.profile),
      instructions: options.prompt === undefined ? undefined : await textOfFile(options.prompt),
    }),
    since,
    sample,
    stratify: options.stratify?.split(',').map((word) => word.trim()),
    share,
    dailyTokens: tokens,
    perSecond: rate,
    target,
    horizonDays: horizon,
    stop: given({ maxErrorRate: maxErrors, maxDisagreement, maxCostUsdPerLead: maxCost }),
    note,
  });
}

function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function readShare(text: string): number {
  const value = /^(?:0|1|0?\.\d+|1\.0+|0\.\d+)$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new InvalidArgumentError('It must be a share from 0 to 1, e.g. 0.1.');
  return value;
}

async function printReport({ output }: Session, report: Report): Promise<void> {
  await output.report(report, report.movers, { columns: MOVER_COLUMNS }, () => trialText(report, output.width));
}

async function printChampion({ output }: Session, champion: Champion): Promise<void> {
  await output.document(champion, () => championText(champion));
}
