import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { table } from './format-lead.js';
import type { ServiceClient } from './http-client.js';
import { openImportFile } from './import/import-file.js';
import { importRows } from './import/import-rows.js';
import { postRows, type ImportReport } from './import/post-rows.js';
import { fieldsOf } from './parse-assignments.js';

interface ImportOptions {
  map?: string[];
  campaign?: string;
  encoding?: string;
  dryRun?: true;
  fromLine: number;
  wait: number;
}

const BAD_ROWS_SHOWN = 50;
/** Of a shell: ended by SIGINT. */
const INTERRUPTED = 130;

export function importCommand(client: () => ServiceClient, print: (document: unknown, text: () => string) => void): Command {
  return new Command('import')
    .argument('<file>', 'CSV with a header line (comma, semicolon, tab or |), JSON lines or a JSON array')
    .description('posts each row as a webhook would, e.g. to reconcile after an outage; what is there already is recognised')
    .option('--map <header=field...>', 'columns whose header is not recognised, e.g. "Work Mail=email"')
    .option('--campaign <id>', 'the campaign of rows that have none')
    .option('--encoding <name>', 'of a file that is not UTF-8 or UTF-16, e.g. windows-1252')
    .option('--dry-run', 'check the file and post nothing')
    .option('--from-line <n>', 'skip the rows before this line', wholeNumber, 1)
    .option('--wait <seconds>', 'how long a row waits for a service that does not answer', wholeNumber, 60)
    .addHelpText(
      'after',
      '\nA file that is wrong as a whole is refused before the first row is posted. Rows that are wrong are listed with their\n' +
        'line, and the others are posted. Repeating an import is safe: its rows are duplicates then.',
    )
    .action(async (path: string, options: ImportOptions) => {
      const columns = { map: fieldsOf(options.map ?? []), campaign: options.campaign };
      const rows = await importRows(await openImportFile(path, options.encoding), columns);
      const report = await withProgress((progress, signal) =>
        postRows(client(), rows, {
          dryRun: options.dryRun ?? false,
          fromLine: options.fromLine,
          waitSeconds: options.wait,
          progress,
          signal,
        }),
      );
      print(report, () => reportText(report, options.dryRun ?? false));
      if (report.badRows > 0 || report.stopped) process.exitCode = 1;
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

function reportText({ rows, accepted, updated, duplicate, valid, badRows, bad, stopped }: ImportReport, dryRun: boolean): string {
  const counts = dryRun
    ? `${valid} valid, ${badRows} bad; nothing was posted`
    : `${accepted} accepted, ${updated} updated, ${duplicate} duplicate, ${badRows} bad`;
  const lines = [`${rows} rows: ${counts}.`];
  if (stopped) {
    lines.push(
      `Stopped before line ${stopped.line}: ${stopped.reason}.`.replace(/\.\.$/, '.'),
      `To resume, run the same command again with --from-line ${stopped.line}.`,
    );
  }
  if (bad.length > 0) {
    const shown = bad.slice(0, BAD_ROWS_SHOWN);
    lines.push(
      table(
        ['line', 'why'],
        shown.map(({ line, reason }) => [line, reason]),
        [8, 100],
      ),
    );
    if (badRows > shown.length) lines.push(`… and ${badRows - shown.length} more; --json lists the first 1000.`);
  }
  return lines.join('\n');
}
