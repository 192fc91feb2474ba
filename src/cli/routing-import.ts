import { openImportFile } from './import/import-file.js';
import { csvRecords } from './import/csv-records.js';
import { usageError } from './exit-codes.js';
import type { ServiceClient } from './http-client.js';

const BATCH = 500;
const USER_COLUMNS = ['userId', 'name', 'email', 'active', 'managerId', 'timeZone'];
const ACCOUNT_COLUMNS = ['accountId', 'ownerId', 'domains', 'name', 'type', 'industry', 'parentId'];

/**
 * Posts the users or accounts of a CSV file. The header says which: `userId` or `accountId`. Domains are separated by
 * spaces or semicolons.
 * @throws CommandError where the header is neither, or a row cannot be read; rows before it are stored.
 */
export async function importDirectory(client: ServiceClient, path: string): Promise<{ users: number; accounts: number }> {
  const file = await openImportFile(path);
  const delimiter = await delimiterOf(file.lines());
  const total = { users: 0, accounts: 0 };
  let header: string[] | undefined;
  let rows: Record<string, unknown>[] = [];
  const post = async () => {
    if (rows.length === 0) return;
    const kind = header!.includes('accountId') ? 'accounts' : 'users';
    const stored = await client.post<typeof total>('/ops/routing/directory', { [kind]: rows });
    total.users += stored.users;
    total.accounts += stored.accounts;
    rows = [];
  };
  for await (const { line, values, problem } of csvRecords(file.lines(), delimiter)) {
    if (problem !== undefined) throw usageError(`${path}, line ${line}: ${problem}.`);
    if (!header) header = headerOf(values, path);
    else rows.push(rowOf(header, values, `${path}, line ${line}`));
    if (rows.length >= BATCH) await post();
  }
  await post();
  return total;
}

/** Spreadsheets write semicolons where the comma is the decimal sign. */
async function delimiterOf(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const count = (delimiter: string) => line.split(delimiter).length;
    return [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best));
  }
  return ',';
}

function headerOf(values: string[], path: string): string[] {
  const known = values.includes('accountId') ? ACCOUNT_COLUMNS : USER_COLUMNS;
  const unknown = values.filter((name) => !known.includes(name));
  const missing = known.slice(0, known === ACCOUNT_COLUMNS ? 3 : 1).filter((name) => !values.includes(name));
  if (unknown.length === 0 && missing.length === 0) return values;
  throw usageError(
    `${path} must have the columns ${USER_COLUMNS.join(', ')} for users (userId is required), or ${ACCOUNT_COLUMNS.join(', ')} ` +
      'for accounts (the first three are required).',
  );
}

const ACTIVE = /^(?:true|yes|y|1|active)$/iu;
const INACTIVE = /^(?:false|no|n|0|inactive)$/iu;

/** @throws CommandError where values would get into the columns of others, or a user would wrongly count as active. */
function rowOf(header: string[], values: string[], place: string): Record<string, unknown> {
  const count = values.findLastIndex((value) => value !== '') + 1;
  if (count > header.length) {
    throw usageError(
      `${place}: ${count} values for ${header.length} columns; a value with a separator in it needs quotation marks.`,
    );
  }
  const given = header.flatMap((name, index) => (values[index] ? [[name, values[index]] as const] : []));
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (name === 'domains') return [name, value.split(/[\s;]+/u).filter((domain) => domain !== '')];
      if (name !== 'active') return [name, value];
      if (!ACTIVE.test(value) && !INACTIVE.test(value)) throw usageError(`${place}: active must be true or false.`);
      return [name, ACTIVE.test(value)];
    }),
  );
}
