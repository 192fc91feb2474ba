import { Option, type Command } from 'commander';
import { EXIT_CODES, INTERRUPTED } from './exit-codes.js';
import { tableOf } from './format-table.js';
import { counted } from './format-text.js';
import { openImportFile } from './import/import-file.js';
import { importRows } from './import/import-rows.js';
import { postRows, type ImportReport } from './import/post-rows.js';
import { readCount } from './paging.js';
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
/** npm and the shell may each pass on the same Ctrl-C. */
const SAME_INTERRUPT_MS = 1000;

/** `leads import`, and the older `import`. */
export function addImport(command: Command, session: Session): void {
  command
    .argument('<file>', 'CSV with a header line (comma, semicolon, tab or |), JSON lines or a JSON array')
    .description('post each row as a webhook would; known rows are duplicates, so an import can be repeated')
    .option('--map <header=field...>', 'columns whose header is not recognised, e.g. "Work Mail=email"')
    .option('--campaign <id>', 'the campaign of rows that have none')
    .option('--encoding <name>', 'of a file that is neither UTF-8 nor UTF-16, e.g. windows-1252')
    .option('--dry-run', 'check the file, and post nothing')
    .addOption(new Option('--from-line <n>', 'skip the rows before this line').argParser(readCount).default(1))
    .addOption(
      new Option('--wait <seconds>', 'how long a row waits for a service that does not answer').argParser(readCount).default(60),
    )
    .addHelpText(
      'after',
      '\nA file that is wrong as a whole is refused before the first row is posted. Rows that are wrong are listed with their\n' +
        'line, and the others are posted.',
    )
    .action((file: string, options: ImportOptions) => importFile(session, file, options));
}

async function importFile(session: Session, path: string, options: ImportOptions): Promise<void> {
  const columns = { map: fieldsOf(options.map ?? []), campaign: options.campaign };
  const rows = await importRows(await openImportFile(path, options.encoding), columns);
  const { client, output } = session;
  const dryRun = options.dryRun ?? false;
  const { fromLine, wait } = options;
  const report = await interruptible(session, (progress, signal) =>
    postRows(client, rows, { dryRun, fromLine, waitSeconds: wait, progress, signal }),
  );
  await output.report(report, report.bad, { columns: BAD_ROWS }, () => reportText(report, dryRun, output.width));
  if (report.badRows > 0) session.exitCode = EXIT_CODES.failure;
  if (report.stopped) session.exitCode = report.stopped.reason === 'interrupted' ? INTERRUPTED : report.stopped.exitCode;
}

/** The first Ctrl-C ends the import with its report; a later one ends the process. */
async function interruptible(
  { io: { stderr } }: Session,
  work: (progress: (done: number) => void, signal: AbortSignal) => Promise<ImportReport>,
): Promise<ImportReport> {
  const interruption = new AbortController();
  let interruptedAt = Infinity;
  const interrupt = () => {
    if (performance.now() - interruptedAt > SAME_INTERRUPT_MS) process.exit(INTERRUPTED);
    interruptedAt = Math.min(interruptedAt, performance.now());
    interruption.abort();
  };
  const { SingleBar } = await import('cli-progress');
  process.on('SIGINT', interrupt);
  const bar = stderr.isTTY ? new SingleBar({ format: '{bar} {value} rows', stream: stderr }) : null;
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
    const { reason, line } = stopped;
    lines.push(
      `Stopped before line ${line}: ${reason}${reason.endsWith('.') ? '' : '.'}`,
      `To resume, run the same command again with --from-line ${line}.`,
    );
  }
  if (bad.length > 0) lines.push(tableOf(BAD_ROWS, bad.slice(0, BAD_ROWS_SHOWN), width));
  if (badRows > BAD_ROWS_SHOWN) lines.push(`… and ${badRows - BAD_ROWS_SHOWN} more; --json lists the first 1000.`);
  return lines.join('\n');
}
