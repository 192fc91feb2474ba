import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { ServiceError, type ServiceClient } from '../http-client.js';
import type { ImportRow } from './import-rows.js';

export interface ImportReport {
  rows: number;
  accepted: number;
  updated: number;
  duplicate: number;
  /** Rows that would be posted; only of a dry run. */
  valid: number;
  badRows: number;
  /** The first of the bad rows, by their line in the file. */
  bad: { line: number; reason: string }[];
  /** Why the import ended before the file, and the first line that is not done. */
  stopped: { reason: string; line: number; exitCode: ExitCode } | null;
}

export interface PostOptions {
  dryRun: boolean;
  /** Rows before this line are skipped. */
  fromLine: number;
  /** How long a row waits for a service that does not answer. */
  waitSeconds: number;
  signal: AbortSignal;
  progress: (done: number) => void;
}

/** As many as Marketo sends at a time. */
const CONCURRENCY = 20;
const BAD_ROWS_LISTED = 1000;
const RETRY_MS = 1000;
/** Marks rows that come from a file: the service need not keep those that it refuses. */
const IMPORT_HEADER = { 'x-revenueflow-import': '1' };

/**
 * Posts each row to POST /leads. It always resolves with a report: where the service stops or the operator interrupts,
 * the rows that are under way are finished first.
 */
export async function postRows(
  client: ServiceClient,
  rows: AsyncIterable<ImportRow>,
  options: PostOptions,
): Promise<ImportReport> {
  const run = new ImportRun(client, options);
  const iterator = rows[Symbol.asyncIterator]();
  for (let last = 0; ;) {
    const row = await iterator.next().catch((error: Error) => error);
    if (row instanceof Error) {
      // The file was changed or removed meanwhile, or has a line of any length.
      run.stop(
        row instanceof CommandError ? row : new CommandError(EXIT_CODES.failure, `The file cannot be read: ${row.message}.`),
      );
      run.leave(last + 1);
    }
    if (row instanceof Error || row.done) break;
    last = row.value.line;
    if (last < options.fromLine) continue;
    if (run.isStopped()) {
      run.leave(last);
      break;
    }
    await run.start(row.value);
  }
  await iterator.return?.();
  return run.finish();
}

class ImportRun {
  private readonly report: ImportReport = {
    rows: 0,
    accepted: 0,
    updated: 0,
    duplicate: 0,
    valid: 0,
    badRows: 0,
    bad: [],
    stopped: null,
  };
  private readonly inFlight = new Set<Promise<void>>();
  private reason: string | null = null;
  private exitCode: ExitCode = EXIT_CODES.failure;
  private firstLeft = Infinity;

  constructor(
    private readonly client: ServiceClient,
    private readonly options: PostOptions,
  ) {}

  isStopped(): boolean {
    if (this.options.signal.aborted) this.reason ??= 'interrupted';
    return this.reason !== null;
  }

  leave(line: number): void {
    this.firstLeft = Math.min(this.firstLeft, line);
  }

  async start(row: ImportRow): Promise<void> {
    const task: Promise<void> = this.work(row).finally(() => this.inFlight.delete(task));
    this.inFlight.add(task);
    if (this.inFlight.size >= CONCURRENCY) await Promise.race(this.inFlight);
  }

  async finish(): Promise<ImportReport> {
    await Promise.all(this.inFlight);
    if (this.firstLeft < Infinity) this.report.stopped = { reason: this.reason!, line: this.firstLeft, exitCode: this.exitCode };
    this.report.bad.sort((a, b) => a.line - b.line);
    return this.report;
  }

  private async work(row: ImportRow): Promise<void> {
    if ('problem' in row) this.addProblem(row.line, row.problem);
    else if (this.options.dryRun) this.report.valid++;
    else if (!(await this.post(row.line, row.fields))) return;
    this.report.rows++;
    this.options.progress(this.report.rows);
  }

  /** @returns false where the row is left undone. */
  private async post(line: number, fields: Record<string, unknown>): Promise<boolean> {
    const deadline = performance.now() + this.options.waitSeconds * 1000;
    for (;;) {
      try {
        const { status } = await this.client.post<{ status: 'accepted' | 'updated' | 'duplicate' }>(
          '/leads',
          fields,
          IMPORT_HEADER,
        );
        this.report[status]++;
        return true;
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.status === 400 || error.status === 413) {
          this.addProblem(line, error.message);
          return true;
        }
        const passing = error.status === 503 || error.status === 0;
        if (!passing || performance.now() >= deadline) this.stop(error);
        if (this.isStopped()) {
          this.leave(line);
          return false;
        }
        await sleep(RETRY_MS);
      }
    }
  }

  stop({ message, exitCode }: CommandError): void {
    if (this.reason !== null) return;
    this.reason = message;
    this.exitCode = exitCode;
  }

  private addProblem(line: number, reason: string): void {
    this.report.badRows++;
    if (this.report.bad.length < BAD_ROWS_LISTED) this.report.bad.push({ line, reason });
  }
}
