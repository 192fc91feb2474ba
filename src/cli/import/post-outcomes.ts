import { setTimeout as sleep } from 'node:timers/promises';
import { OUTCOME_KINDS } from '../../outcomes/outcome.js';
import { ExactNumber } from '../../platform/http/exact-json.js';
import { CommandError } from '../exit-codes.js';
import { ServiceError, type ServiceClient } from '../http-client.js';
import type { ImportRow } from './import-rows.js';

export interface OutcomeImportReport {
  rows: number;
  recorded: number;
  duplicate: number;
  badRows: number;
  /** The first of the bad rows, in the order of the file. */
  bad: { line: number; reason: string }[];
}

const FIELDS = ['email', 'kind', 'at', 'currency', 'id'] as const;
const CONCURRENCY = 8;
const BAD_ROWS_LISTED = 1000;
const RETRY_MS = 1000;

/**
 * Posts each row to POST /ops/outcomes. A row that the service refuses for its content is listed, and the import goes
 * on. It can be repeated from any line, since an outcome that is known is a duplicate.
 * @throws CommandError where the service stops answering; it names the first line that is not done.
 */
export async function postOutcomes(
  client: ServiceClient,
  rows: AsyncIterable<ImportRow>,
  { source, waitSeconds }: { source: string; waitSeconds: number },
): Promise<OutcomeImportReport> {
  const report: OutcomeImportReport = { rows: 0, recorded: 0, duplicate: 0, badRows: 0, bad: [] };
  let batch: ImportRow[] = [];
  const post = async () => {
    const line = batch[0]?.line ?? 0;
    const results = await Promise.all(batch.map((row) => postRow(client, row, source, waitSeconds, line)));
    for (const [index, result] of results.entries()) {
      report.rows++;
      if (typeof result === 'string') report[result]++;
      else if (++report.badRows <= BAD_ROWS_LISTED) report.bad.push({ line: batch[index]!.line, ...result });
    }
    batch = [];
  };
  for await (const row of rows) {
    batch.push(row);
    if (batch.length === CONCURRENCY) await post();
  }
  await post();
  return report;
}

type Result = 'recorded' | 'duplicate' | { reason: string };

async function postRow(
  client: ServiceClient,
  row: ImportRow,
  source: string,
  waitSeconds: number,
  firstLine: number,
): Promise<Result> {
  if ('problem' in row) return { reason: row.problem };
  const made = bodyOf(row.fields, source);
  if (made.reason !== undefined) return { reason: made.reason };
  const deadline = performance.now() + waitSeconds * 1000;
  for (;;) {
    try {
      return (await client.post<{ status: 'recorded' | 'duplicate' }>('/ops/outcomes', made.body)).status;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 400 || error.status === 404) return { reason: error.message };
      const passing = error.status === 503 || error.status === 0;
      if (!passing || performance.now() >= deadline)
        throw new CommandError(error.exitCode, `Stopped at line ${firstLine}: ${error.message} Run the same command again.`);
      await sleep(RETRY_MS);
    }
  }
}

type Made = { body: Record<string, unknown>; reason?: undefined } | { reason: string };

function bodyOf(fields: Record<string, unknown>, source: string): Made {
  const text = (name: string) => {
    const value = fields[name];
    return value === undefined || value === null ? '' : String(value instanceof ExactNumber ? value.digits : value).trim();
  };
  const kind = text('kind').toLowerCase();
  if (kind === '') return { reason: `kind is missing; it is one of ${OUTCOME_KINDS.join(', ')}` };
  if (text('at') === '') return { reason: 'at is missing: the day or the time of the outcome' };
  const amount = text('amount');
  if (amount !== '' && !/^\d+(?:\.\d+)?$/.test(amount))
    return { reason: 'amount must be a number without separators of thousands, with a point before its decimals' };
  const given = Object.fromEntries(FIELDS.map((name) => [name, text(name)]).filter(([, value]) => value !== ''));
  return { body: { ...given, kind, source, ...(amount === '' ? {} : { amount: Number(amount) }) } };
}
