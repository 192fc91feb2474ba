import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT_CODES } from './exit-codes.js';
import { tableOf } from './format-table.js';
import { counted } from './format-text.js';
import { openImportFile } from './import/import-file.js';
import { importRows } from './import/import-rows.js';
import { postRows, type ImportReport } from './import/post-rows.js';
import { fieldsOf } from './parse-assignments.js';
import type { Session } from './session.js';

interface ImportOptions {
  map?: string[];
  campaign?: string;
  encoding?: string;
  dryRun?: true;
  fromLine: number;
  wait: number;
}

type BadRow = ImportReport['bad'][number];

const BAD_ROWS_SHOWN = 50;
/** What a shell expects of a command that SIGINT ended. */
const INTERRUPTED = 130;

/** `leads import`, and the older `import`. */
export function addImport(command: Command, session: Session): void {
  command
    .argument('<file>', 'CSV with a header line (comma, semicolon, tab or |), JSON lines or a JSON array')
    .description('post each row as a webhook would; known rows are duplicates, so an import can be repeated')
    .option('--map <header=field...>', 'columns whose header is not recognised, e.g. "Work Mail=email"')
    .option('--campaign <id>', 'the campaign of rows that have none')
    .option('--encoding <name>', 'of a file that is not UTF-8 or UTF-16, e.g. windows-1252')
    .option('--dry-run', 'check the file and post nothing')
    .option('--from-line <n>', 'skip the rows before this line', wholeNumber, 1)
    .option('--wait <seconds>', 'how long a row waits for a service that does not answer', wholeNumber, 60)
    .addHelpText(
      'after',
      '\nA file that is wrong as a whole is refused before the first row is posted. Rows that are wrong are listed with their\n' +
        'line, and the others are posted.',
    )
    .action(async (path: string, options: ImportOptions) => {
      const columns = { map: fieldsOf(options.map ?? []), campaign: options.campaign };
      const rows = await importRows(await openImportFile(path, options.encoding), columns);
      const dryRun = options.dryRun ?? false;
      const { client, output } = session;
      const report = await withProgress((progress, signal) =>
        postRows(client, rows, { dryRun, fromLine: options.fromLine, waitSeconds: options.wait, progress, signal }),
      );
      await output.report(report, report.bad, { columns: BAD_ROWS }, () => reportText(report, dryRun, output.width));
      if (report.badRows > 0 || report.stopped) process.exitCode = EXIT_CODES.failure;
      if (report.stopped?.reason === 'interrupted') process.exitCode = INTERRUPTED;
    });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number.');
  return number;
}

/** The first Ctrl-C ends the import with its report; a second one ends the process. */
async function withProgress(
  work: (progress: (done: number) => void, signal: AbortSignal) => Promise<ImportReport>,
): Promise<ImportReport> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  const bar = process.stderr.isTTY ? new SingleBar({ format: '{bar} {value} rows', stream: process.stderr }) : null;
  bar?.start(1, 0);
  try {
    return await work((done) => {
      bar?.setTotal(done);
      bar?.update(done);
    }, interruption.signal);
  } finally {
    bar?.stop();
    process.off('SIGINT', interrupt);
  }
}

const BAD_ROWS = [
  { head: 'line', field: 'line', value: ({ line }: BadRow) => line, rank: 2 },
  { head: 'why', field: 'reason', value: ({ reason }: BadRow) => reason, min: 20, rank: 3 },
];

function reportText(report: ImportReport, dryRun: boolean, width: number): string {
  const { rows, accepted, updated, duplicate, valid, badRows, bad, stopped } = report;
  const counts = dryRun
    ? `${valid} valid, ${badRows} bad; nothing was posted`
    : `${accepted} accepted, ${updated} updated, ${duplicate} duplicate, ${badRows} bad`;
  const lines = [`${counted(rows, 'row')}: ${counts}.`];
  if (stopped) {
    lines.push(
      `Stopped before line ${stopped.line}: ${stopped.reason}.`.replace(/\.\.$/, '.'),
      `To resume, run the same command again with --from-line ${stopped.line}.`,
    );
  }
  if (bad.length > 0) {
    lines.push(tableOf(BAD_ROWS, bad.slice(0, BAD_ROWS_SHOWN), width));
    if (badRows > BAD_ROWS_SHOWN) lines.push(`… and ${badRows - BAD_ROWS_SHOWN} more; --json lists the first 1000.`);
  }
  return lines.join('\n');
}
