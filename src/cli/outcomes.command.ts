import { Option, type Command } from 'commander';
import type { z } from 'zod';
import type { calibrationsSchema } from '../ops/outcomes/outcomes.schemas.js';
import { TARGETS } from '../outcomes/outcome.js';
import type { OutcomesReport } from '../outcomes/outcomes-report.js';
import { EXIT_CODES } from './exit-codes.js';
import { BIN_COLUMNS, binRowsOf, outcomesText } from './format-outcomes.js';
import { tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import { openImportFile } from './import/import-file.js';
import { importRows } from './import/import-rows.js';
import { postOutcomes, type OutcomeImportReport } from './import/post-outcomes.js';
import { group, refuseUnknownWords, yesOption } from './options.js';
import { readCount, withQuery } from './paging.js';
import { fieldsOf } from './parse-assignments.js';
import type { Session } from './session.js';

type Calibrations = z.output<typeof calibrationsSchema>;
type CalibrationRow = Calibrations['items'][number];

interface ReportOptions {
  target: string;
  horizon?: number;
  since?: string;
  capacity?: number;
}

interface ImportOptions {
  source: string;
  map?: string[];
  encoding?: string;
  wait: number;
}

const BAD_ROWS_SHOWN = 50;

/** `outcomes …`: what became of leads, and what that says about their scores. */
export function addOutcomeCommands(program: Command, session: Session): void {
  const outcomes = program.command('outcomes').description('show what scores were worth, import outcomes, calibrate');
  const targetOption = () => new Option('--target <outcome>', 'what counts as success').choices(TARGETS).default('converted');
  const horizonOption = () => new Option('--horizon <days>', 'how long a lead may take').argParser(readCount);

  const report = outcomes
    .command('report', { isDefault: true })
    .description('show conversion by score, AUC, Brier score and drift, with intervals')
    .addOption(targetOption())
    .addOption(horizonOption())
    .option('--since <day>', 'only leads that first reached the CRM on this day or later, e.g. 2026-01-31')
    .addOption(
      new Option('--capacity <leads>', 'leads that sales can take a day: shows the score to begin at').argParser(readCount),
    )
    .action(async ({ target, horizon: horizonDays, since, capacity }: ReportOptions) => {
      const { client, output } = session;
      const query = { target, horizonDays, since, capacity };
      const answer = await client.get<OutcomesReport>(withQuery('/ops/outcomes/report', query));
      await output.report(answer, binRowsOf(answer), { columns: BIN_COLUMNS }, () => outcomesText(answer, output.width));
    });
  refuseUnknownWords(report);

  outcomes
    .command('import')
    .argument('<file>', 'CSV, JSON lines or a JSON array with email, kind, at, and where known amount, currency, id')
    .description('post each row as an outcome; known rows are duplicates, so an import can be repeated')
    .option('--source <name>', 'the system that the file is from', 'import')
    .option('--map <header=field...>', 'columns whose header is not recognised, e.g. "Close Date=at"')
    .option('--encoding <name>', 'of a file that is neither UTF-8 nor UTF-16, e.g. windows-1252')
    .addOption(
      new Option('--wait <seconds>', 'how long a row waits for a service that does not answer').argParser(readCount).default(60),
    )
    .action((file: string, options: ImportOptions) => importOutcomes(session, file, options));

  addCalibrationCommands(outcomes, session, targetOption, horizonOption);
}

function addCalibrationCommands(
  outcomes: Command,
  session: Session,
  targetOption: () => Option,
  horizonOption: () => Option,
): void {
  const calibration = group(outcomes.command('calibration').description('give scores a probability of conversion'));
  calibration
    .command('list')
    .description('list the calibrations, the newest first')
    .action(async () => printCalibrations(session, await session.client.get<Calibrations>('/ops/outcomes/calibration')));
  calibration
    .command('fit')
    .description('fit a calibration on the outcomes so far; it is not active yet')
    .addOption(targetOption())
    .addOption(horizonOption())
    .action(({ target, horizon }: ReportOptions) =>
      act(session, { act: 'fit', target, ...(horizon === undefined ? {} : { horizonDays: horizon }) }),
    );
  calibration
    .command('activate')
    .argument('<version>', 'of the list', readCount)
    .addOption(yesOption())
    .description('show its probabilities in journeys, and send them to the CRM where the field map names them')
    .action(async (version: number, { yes = false }: { yes?: boolean }) => {
      await session.confirm({ question: `Activate calibration ${version}?`, yes });
      await act(session, { act: 'activate', version });
    });
  calibration
    .command('rollback')
    .addOption(yesOption())
    .description('return to the calibration that was active before')
    .action(async ({ yes = false }: { yes?: boolean }) => {
      await session.confirm({ question: 'Return to the calibration that was active before?', yes });
      await act(session, { act: 'rollback' });
    });
}

async function act(session: Session, body: Record<string, unknown>): Promise<void> {
  await printCalibrations(session, await session.client.post<Calibrations>('/ops/outcomes/calibration', body));
}

async function printCalibrations({ output }: Session, { active, items }: Calibrations): Promise<void> {
  const columns: Column<CalibrationRow>[] = [
    { head: 'version', field: 'version', value: ({ version }) => version, rank: 10 },
    { head: 'status', field: 'active', value: (row) => row.active, cell: (row) => (row.active ? 'active' : ''), rank: 9 },
    { head: 'method', field: 'method', value: ({ method }) => method, rank: 8 },
    { head: 'target', field: 'target', value: ({ target }) => target, rank: 5 },
    { head: 'leads', field: 'leads', value: ({ leads }) => leads, rank: 4 },
    { head: 'conversions', field: 'conversions', value: ({ conversions }) => conversions, rank: 6 },
    {
      head: 'Brier out of time',
      field: 'brier',
      value: ({ method, outOfTime }) => outOfTime[method],
      cell: ({ method, outOfTime }) => `${outOfTime[method]!.toFixed(4)}, average rate ${outOfTime.baseRate.toFixed(4)}`,
      rank: 7,
    },
  ];
  await output.report({ active, items }, items, { columns }, () =>
    items.length === 0 ? 'There are no calibrations.' : tableOf(columns, items, output.width),
  );
}

async function importOutcomes(session: Session, path: string, { source, map, encoding, wait }: ImportOptions): Promise<void> {
  const { client, output } = session;
  // An outcome belongs to a person, whatever the campaign; the reader of lead files wants one.
  const rows = await importRows(await openImportFile(path, encoding), { map: fieldsOf(map ?? []), campaign: 'any' });
  const report = await postOutcomes(client, rows, { source, waitSeconds: wait });
  const columns: Column<OutcomeImportReport['bad'][number]>[] = [
    { head: 'line', field: 'line', value: ({ line }) => line, rank: 2 },
    { head: 'why', field: 'reason', value: ({ reason }) => reason, min: 20, rank: 3 },
  ];
  await output.report(report, report.bad, { columns }, () => {
    const { rows: count, recorded, duplicate, badRows, bad } = report;
    const line = `${counted(count, 'row')}: ${recorded} recorded, ${duplicate} duplicate, ${badRows} bad.`;
    return bad.length === 0 ? line : `${line}\n${tableOf(columns, bad.slice(0, BAD_ROWS_SHOWN), output.width)}`;
  });
  if (report.badRows > 0) session.exitCode = EXIT_CODES.failure;
}
