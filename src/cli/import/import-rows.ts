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
/** Titles and comments above the header, and lines of a header that has line breaks in its quotation marks. */
const LINES_ABOVE = 10;
const HEADER_LINES = 5;
const LONGEST_LEAD = 1024 * 1024;

/**
 * The rows of a CSV or JSON file.
 * @throws ImportFileError before the first row where the file is wrong as a whole.
 */
export async function importRows(file: ImportFile, options: ColumnOptions): Promise<AsyncIterable<ImportRow>> {
  const first = await firstText(file);
  if (first === '') throw new ImportFileError(`${file.path}: the file is empty. Nothing was posted.`);
  return /^[[{]/.test(first) ? jsonRows(file, first, options) : csvRows(file, options);
}

/** The first line with a character, as far as a line of one lead goes: a JSON array may be one line of any length. */
async function firstText(file: ImportFile): Promise<string> {
  let head = '';
  for await (const chunk of file.text()) {
    head = (head + chunk).replace(/^[\s\ufeff]+/, '');
    const end = head.search(/[\r\n]/);
    if (end >= 0) return cleanHeader(head.slice(0, end));
    if (head.length > LONGEST_LEAD) break;
  }
  return cleanHeader(head);
}

/** Meta's lead ads write `p:+4930…` and `c:1202…`, so that Excel leaves their digits alone. */
const LEAD_ADS_PREFIX = /^(?:l|ag|as|c|f|p|z):(?=\+?\d)/;

async function csvRows(file: ImportFile, options: ColumnOptions): Promise<AsyncIterable<ImportRow>> {
  const { header, skipped, delimiter } = await readHeader(file);
  const columns = fieldsOfColumns(header, options);
  const isLeadAds = columns.includes('ad_id') && columns.includes('form_id');
  return (async function* rows() {
    let isOther = false;
    for await (const record of csvRecords(skip(file.lines(), skipped), delimiter, skipped + 1)) {
      if (isLeadAds) record.values = record.values.map((value) => value.replace(LEAD_ADS_PREFIX, ''));
      const repeated = isHeader(record.values);
      if (repeated) isOther = namesOf(record.values) !== namesOf(header);
      if (isOther) yield { line: record.line, problem: OTHER_HEADER };
      else yield repeated ? { line: record.line, problem: HEADER_AGAIN } : rowOfRecord(record, columns, options);
    }
  })();
}

const HEADER_AGAIN = 'the header is here again, as in a merged file; the rows below it are read';
const OTHER_HEADER = 'a second header with other columns is above; import the part below it as a file of its own';

/** The header of a file that was appended to this one: it names the e-mail and has no address. */
function isHeader(values: string[]): boolean {
  return values.some((value) => fieldOf(value) === 'email') && values.every((value) => !value.includes('@'));
}

function namesOf(values: string[]): string {
  return values.map(fieldOf).join('\n');
}

interface Header {
  header: string[];
  /** Lines up to its end. */
  skipped: number;
  delimiter: string;
}

/** The first line that names an e-mail, where a title or a comment is above it; else the first line. */
async function readHeader(file: ImportFile): Promise<Header> {
  const lines: string[] = [];
  for await (const line of file.lines()) {
    lines.push(line);
    if (lines.length >= LINES_ABOVE + HEADER_LINES) break;
  }
  let delimiters = DELIMITERS;
  let first: Header | null = null;
  for (const [index, line] of lines.slice(0, LINES_ABOVE).entries()) {
    const separator = SEPARATOR_LINE.exec(line.trim());
    if (separator) delimiters = [separator[1]!];
    if (separator || cleanHeader(line) === '') continue;
    const readings = delimiters.map((delimiter) => headerAt(lines, index, delimiter));
    const named = readings.filter(({ header }) => header.some((name) => fieldOf(name) === 'email'));
    const best = (named.length > 0 ? named : readings).toSorted((a, b) => b.header.length - a.header.length)[0]!;
    if (named.length > 0 && (first === null || best.header.length > 1)) return requireStraight(file, best);
    first ??= best;
  }
  if (first === null) throw new ImportFileError(`${file.path}: the file has no header line. Nothing was posted.`);
  return requireStraight(file, first);
}

function headerAt(lines: string[], index: number, delimiter: string): Header {
  const read = readRecord(lines.slice(index, index + HEADER_LINES), delimiter);
  const isRecord = typeof read === 'object' && 'values' in read;
  return isRecord
    ? { header: read.values, skipped: index + read.lines, delimiter }
    : { header: [lines[index]!], skipped: index + 1, delimiter };
}

const OTHER_QUOTES = /^[“”„«‘’'`].*[“”»‘’'`]$/u;

/** Each value would keep such marks: the campaign would be another one. */
function requireStraight(file: ImportFile, found: Header): Header {
  const names = found.header.map(cleanHeader).filter((name) => name !== '');
  if (names.length === 0 || !names.every((name) => OTHER_QUOTES.test(name))) return found;
  throw new ImportFileError(
    `${file.path}: the values are in ${names[0]![0]!} instead of the quotation mark of CSV ("). Save the file again as CSV. Nothing was posted.`,
  );
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
  const [only] = looked;
  if (looked.length === 1 && only && 'problem' in only && only.problem.startsWith(EXPECTED_OBJECT)) {
    throw new ImportFileError(`${file.path}: the file is no list of JSON objects. Nothing was posted.`);
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

/** The answer of an API: the rows are in an array of one object, behind simple fields at most. */
const WRAPPER =
  /^\s*\{\s*(?:"\w{1,40}"\s*:\s*(?:"[^"\\[]{0,200}"|[\d.]{1,20}|true|false|null)\s*,\s*){0,8}"(?:items|leads|data|records|results?|rows|values?|people|contacts)"\s*:\s*\[\s*(?:\{|\]|$)/;

async function isWrapped(file: ImportFile): Promise<boolean> {
  let head = '';
  for await (const chunk of file.text()) {
    head += chunk;
    if (head.length > 2000) break;
  }
  return WRAPPER.test(head.replace(/^\ufeff/, '').slice(0, 2000));
}

async function* rowsOfElements(file: ImportFile, options: ColumnOptions, wrapped: boolean): AsyncGenerator<ImportRow> {
  for await (const element of jsonElements(file.text(), wrapped)) yield rowOfJson(element, options);
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
  const given = Object.entries(value).filter(([, each]) => each !== null && each !== '');
  const names = given.map(([key]) => (Object.hasOwn(options.map, key) ? options.map[key]! : key));
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) return { line, problem: `--map gives two fields of the row the name ${repeated}` };
  for (const [index, [key]] of given.entries()) {
    const field = fieldOf(key);
    if (names[index] === key && !names.includes(field)) names[index] = field;
  }
  const fields = Object.fromEntries(given.map(([, each], index) => [names[index]!, each] as const));
  return checked(line, fields, options);
}

const EXPECTED_OBJECT = 'expected an object';
const MISSING_EMAIL = 'email is missing';
const MISSING_CAMPAIGN = 'campaign_id is missing';
/** What Excel and scripts make of a long number, such as an id or a phone: other digits than there were. */
const ROUNDED = /^-?\d(?:[.,]\d+)?[eE]\+(?:1[1-9]|[2-9]\d|\d{3})$/;
/** What Excel shows, and some programs copy: a column that is too narrow, a number with separators of thousands. */
const TOO_NARROW = /^#{3,}$/;
const WITH_SEPARATORS = /^\d{1,3}(?:[,\s'’]\d{3})+$/u;
/** How R and Excel write a number: as a key it is another one than the number. */
const SCIENTIFIC = /^\d+(?:[.,]\d+)?[eE]\+\d{1,3}$/;
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
  const narrow = Object.keys(fields).find((name) => typeof fields[name] === 'string' && TOO_NARROW.test(fields[name].trim()));
  if (narrow !== undefined) return { line, problem: `${narrow} was copied from a column that is too narrow to show its value` };
  if (typeof campaignId === 'string' && WITH_SEPARATORS.test(campaignId.trim())) {
    return { line, problem: 'campaign_id is a number with separators of thousands; write the column as text' };
  }
  if (typeof campaignId === 'string' && SCIENTIFIC.test(campaignId.trim())) {
    return { line, problem: 'campaign_id is a number in scientific notation; write the column as text' };
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
