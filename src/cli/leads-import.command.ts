import { stat } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { EXIT_CODES, usageError } from './exit-codes.js';
import { tableOf } from './format-table.js';
import { counted } from './format-text.js';
import { importLeads, type ImportReport } from './import.command.js';
import type { Session } from './session.js';

type BadRow = ImportReport['bad'][number];

/** `leads import`, and the older `import`. */
export function addImport(command: Command, session: Session): void {
  command
    .argument('<file>', 'CSV with a header line, or one JSON object per line')
    .description('post each row as a webhook would; known rows are duplicates, so an import can be repeated')
    .action(async (file: string) => {
      await refuseUnreadable(file);
      const { client, output } = session;
      const bar = process.stderr.isTTY ? new SingleBar({ format: '{bar} {value} rows', stream: process.stderr }) : null;
      bar?.start(1, 0);
      const report = await importLeads(client, file, (done) => {
        bar?.setTotal(done);
        bar?.update(done);
      }).finally(() => bar?.stop());
      await output.report(report, report.bad, { columns: BAD_ROWS }, () => reportText(report, output.width));
      if (report.bad.length > 0) process.exitCode = EXIT_CODES.failure;
    });
}

const BAD_ROWS = [
  { head: 'line', field: 'line', value: ({ line }: BadRow) => line, rank: 2 },
  { head: 'why', field: 'reason', value: ({ reason }: BadRow) => reason, min: 20, rank: 3 },
];

function reportText({ rows, accepted, updated, duplicate, bad }: ImportReport, width: number): string {
  const sum = `${counted(rows, 'row')}: ${accepted} accepted, ${updated} updated, ${duplicate} duplicate, ${bad.length} bad.`;
  return bad.length === 0 ? sum : `${sum}\n${tableOf(BAD_ROWS, bad, width)}`;
}

async function refuseUnreadable(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw usageError(error.code === 'ENOENT' ? `${file}: no such file.` : `${file} cannot be read (${error.code}).`);
  });
  if (!found.isFile()) throw usageError(`${file} is not a file.`);
}
