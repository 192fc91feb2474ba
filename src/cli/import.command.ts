import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse as parseCsv } from 'csv-parse';
import { ServiceError, type ServiceClient } from './http-client.js';

export interface ImportReport {
  rows: number;
  accepted: number;
  updated: number;
  duplicate: number;
  /** Rows that the service refuses, by their line in the file. */
  bad: { line: number; reason: string }[];
}

type Row = { line: number; fields: Record<string, unknown> } | { line: number; broken: string };

/** As many as Marketo sends at a time. */
const CONCURRENCY = 20;
const BAD_ROWS_KEPT = 1000;
const MAX_TRIES = 60;

/**
 * Posts each row of a CSV or JSON-lines file to POST /leads. A row that is there already is a duplicate, so an import can be
 * repeated, or be broken off and begun again. While the service says 503, the row waits for it.
 */
export async function importLeads(client: ServiceClient, file: string, progress: (done: number) => void): Promise<ImportReport> {
  const report: ImportReport = { rows: 0, accepted: 0, updated: 0, duplicate: 0, bad: [] };
  const inFlight = new Set<Promise<void>>();
  for await (const row of rowsOf(file)) {
    const task: Promise<void> = importRow(client, row, report, progress).finally(() => inFlight.delete(task));
    inFlight.add(task);
    if (inFlight.size >= CONCURRENCY) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  report.bad.sort((a, b) => a.line - b.line);
  return report;
}

async function importRow(client: ServiceClient, row: Row, report: ImportReport, progress: (done: number) => void): Promise<void> {
  await postRow(client, row, report);
  report.rows++;
  progress(report.rows);
}

async function postRow(client: ServiceClient, row: Row, report: ImportReport): Promise<void> {
  if ('broken' in row) return addProblem(report, row.line, row.broken);
  for (let tries = 1; ; tries++) {
    try {
      const { status } = await client.post<{ status: 'accepted' | 'updated' | 'duplicate' }>('/leads', row.fields);
      report[status]++;
      return;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 400 || error.status === 413) return addProblem(report, row.line, error.message);
      const passing = error.status === 503 || error.status === 0;
      if (!passing || tries === MAX_TRIES) throw error;
      await sleep(1000);
    }
  }
}

function addProblem(report: ImportReport, line: number, reason: string): void {
  if (report.bad.length < BAD_ROWS_KEPT) report.bad.push({ line, reason });
}

async function* rowsOf(file: string): AsyncGenerator<Row> {
  if (extname(file).toLowerCase() === '.csv') yield* csvRows(file);
  else yield* jsonRows(file);
}

async function* csvRows(file: string): AsyncGenerator<Row> {
  const parser = createReadStream(file).pipe(
    parseCsv({ columns: true, bom: true, info: true, skip_empty_lines: true, relax_column_count: true }),
  );
  for await (const { record, info } of parser as AsyncIterable<{ record: Record<string, string>; info: { lines: number } }>) {
    yield { line: info.lines, fields: record };
  }
}

async function* jsonRows(file: string): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    line++;
    if (text.trim() === '') continue;
    yield parseLine(text, line);
  }
}

function parseLine(text: string, line: number): Row {
  try {
    return { line, fields: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return { line, broken: 'The line is not JSON.' };
  }
}
