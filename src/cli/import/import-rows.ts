import { readEmail } from '../../domain/email-address.js';
import { ExactNumber, parseExactJson } from '../../platform/http/exact-json.js';
import { isJson } from '../../platform/http/json-frame.js';
import { cleanHeader, fieldOf, fieldsOfColumns, type ColumnOptions } from './columns.js';
import { csvRecords, readRecord, type CsvRecord } from './csv-records.js';
import { ImportFileError, type ImportFile } from './import-file.js';
import { jsonElements, type JsonElement } from './json-elements.js';

/** A row as it will be posted, or why it will not be. */
export type ImportRow = { line: number; fields: Record<string, unknown> } | { line: number; problem: string };

const DELIMITERS = [',', ';', '\t', '|'];
const SEPARATOR_LINE = /^"?sep=(.)"?;*,*$/i;
const ROWS_LOOKED_AT = 10;

/**
 * The rows of a CSV or JSON file.
 * @throws ImportFileError before the first row where the file is wrong as a whole.
 */
export async function importRows(file: ImportFile, options: ColumnOptions): Promise<AsyncIterable<ImportRow>> {
  const first = await firstText(file);
  if (first === '') throw new ImportFileError(`${file.path}: the file is empty. Nothing was posted.`);
  return /^[[{]/.test(first) ? jsonRows(file, first, options) : csvRows(file, options);
}

async function firstText(file: ImportFile): Promise<string> {
  for await (const line of file.lines()) if (cleanHeader(line) !== '') return cleanHeader(line);
  return '';
}

async function csvRows(file: ImportFile, options: ColumnOptions): Promise<AsyncIterable<ImportRow>> {
  const { header, skipped, delimiter } = await readHeader(file);
  const columns = fieldsOfColumns(header, options);
  return (async function* rows() {
    for await (const record of csvRecords(skip(file.lines(), skipped), delimiter, skipped + 1)) {
      yield rowOfRecord(record, columns, options);
    }
  })();
}

async function readHeader(file: ImportFile): Promise<{ header: string[]; skipped: number; delimiter: string }> {
  let skipped = 0;
  let delimiters = DELIMITERS;
  for await (const line of file.lines()) {
    skipped++;
    const separator = SEPARATOR_LINE.exec(line.trim());
    if (separator) delimiters = [separator[1]!];
    else if (cleanHeader(line) !== '') {
      const readings = delimiters.map((delimiter) => ({ delimiter, header: headerOf(line, delimiter) }));
      const named = readings.filter(({ header }) => header.some((name) => fieldOf(name) === 'email'));
      const best = (named.length > 0 ? named : readings).toSorted((a, b) => b.header.length - a.header.length)[0]!;
      return { ...best, skipped };
    }
  }
  throw new ImportFileError(`${file.path}: the file has no header line. Nothing was posted.`);
}

function headerOf(line: string, delimiter: string): string[] {
  const read = readRecord([line], delimiter);
  return typeof read === 'object' && 'values' in read ? read.values : [line];
}

async function* skip(lines: AsyncIterable<string>, count: number): AsyncGenerator<string> {
  let number = 0;
  for await (const line of lines) if (++number > count) yield line;
}

function rowOfRecord({ line, values, problem }: CsvRecord, columns: (string | null)[], options: ColumnOptions): ImportRow {
  if (problem !== undefined) return { line, problem };
  const extra = values.slice(columns.length).findLastIndex((value) => value !== '');
  if (extra >= 0) {
    const count = columns.length + extra + 1;
    return {
      line,
      problem: `${count} values for ${columns.length} columns; a value with a separator in it needs quotation marks`,
    };
  }
  const unnamed = columns.findIndex((field, index) => field === null && (values[index] ?? '') !== '');
  if (unnamed >= 0) return { line, problem: `column ${unnamed + 1} has a value and no name` };
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [index, field] of columns.entries()) {
    const value = withoutExcelQuotes(values[index] ?? '');
    if (field !== null && value !== '') fields[field] = value;
  }
  return checked(line, fields, options);
}

/**
 * `="00123"` and `'00123`: how Excel is made to keep leading zeros. `'+49 30`: how exports, ours too, keep a text from
 * being run as a formula.
 */
function withoutExcelQuotes(value: string): string {
  return /^="([^"]*)"$/.exec(value)?.[1] ?? value.replace(/^'(?=[=+\-@]|\d+$)/, '');
}

async function jsonRows(file: ImportFile, first: string, options: ColumnOptions): Promise<AsyncIterable<ImportRow>> {
  const wrapped = await isWrapped(file);
  const byLine = !wrapped && first.startsWith('{') && isJson(first);
  const rows = () => (byLine ? rowsOfLines(file, options) : rowsOfElements(file, options, wrapped));
  const looked: ImportRow[] = [];
  for await (const row of rows()) {
    looked.push(row);
    if (looked.length >= ROWS_LOOKED_AT) break;
  }
  if (looked.length > 0 && looked.every((row) => 'problem' in row && row.problem === MISSING_EMAIL)) {
    throw new ImportFileError(`No row has a field email. Name it with --map "Field=email". Nothing was posted.`);
  }
  if (looked.length > 0 && looked.every((row) => 'problem' in row && row.problem === MISSING_CAMPAIGN)) {
    throw new ImportFileError('No row has a field campaign_id. Name the campaign with --campaign. Nothing was posted.');
  }
  return rows();
}

async function* rowsOfLines(file: ImportFile, options: ColumnOptions): AsyncGenerator<ImportRow> {
  let line = 0;
  for await (const text of file.lines()) {
    line++;
    if (cleanHeader(text) !== '') yield rowOfJson({ line, text: line === 1 ? text.replace(/^\ufeff/, '') : text }, options);
  }
}

/** The answer of an API: the rows are in an array that is the first field of one object. */
const WRAPPER = /^\s*\{\s*"(?:items|leads|data|records|results?|rows|values?|people|contacts)"\s*:\s*\[\s*(?:\{|\]|$)/;

async function isWrapped(file: ImportFile): Promise<boolean> {
  let head = '';
  for await (const line of file.lines()) {
    head += `${line}\n`;
    if (head.length > 500) break;
  }
  return WRAPPER.test(head.replace(/^\ufeff/, '').slice(0, 2000));
}

async function* rowsOfElements(file: ImportFile, options: ColumnOptions, wrapped: boolean): AsyncGenerator<ImportRow> {
  for await (const element of jsonElements(file.lines(), wrapped)) yield rowOfJson(element, options);
}

function rowOfJson({ line, text, broken }: JsonElement, options: ColumnOptions): ImportRow {
  if (broken !== undefined) return { line, problem: broken };
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return { line, problem: 'The line is not JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { line, problem: 'this is no JSON object' };
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const field = options.map[key] ?? fieldOf(key);
    if (field === key || fields[field] !== undefined) continue;
    fields[field] = fields[key];
    delete fields[key];
  }
  return checked(line, fields, options);
}

const MISSING_EMAIL = 'email is missing';
const MISSING_CAMPAIGN = 'campaign_id is missing';
/** What Excel and scripts make of a long number, such as an id or a phone: other digits than there were. */
const ROUNDED = /^-?\d(?:[.,]\d+)?[eE]\+(?:1[1-9]|[2-9]\d|\d{3})$/;
/** How pandas writes the whole numbers of a column that has empty cells. */
const WITH_DECIMALS = /^\d+[.,]0+$/;

function checked(line: number, fields: Record<string, unknown>, { campaign }: ColumnOptions): ImportRow {
  if (campaign !== undefined && isMissing(fields['campaign_id'])) fields['campaign_id'] = campaign;
  const { email, campaign_id: campaignId } = fields;
  if (isMissing(email)) return { line, problem: MISSING_EMAIL };
  if (isMissing(campaignId)) return { line, problem: MISSING_CAMPAIGN };
  const rounded = Object.keys(fields).find((name) => typeof fields[name] === 'string' && ROUNDED.test(fields[name].trim()));
  if (rounded !== undefined) {
    return { line, problem: `${rounded} was rounded by Excel or a script; format its column as text before saving` };
  }
  if (campaignId instanceof ExactNumber) return { line, problem: 'campaign_id must be a whole number below 2^53, or a string' };
  if (typeof campaignId === 'string' && WITH_DECIMALS.test(campaignId.trim())) {
    return { line, problem: 'campaign_id is a number with decimals, as scripts write it; write the column as text' };
  }
  const address = typeof email === 'string' ? readEmail(email) : { reason: 'must be a string' };
  if ('reason' in address) return { line, problem: `email is not a valid e-mail address: it ${address.reason}` };
  return { line, fields };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
