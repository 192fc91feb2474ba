export interface CsvRecord {
  /** Where it begins in the file, from 1. */
  line: number;
  values: string[];
  /** Why it cannot be read; `values` is empty then. */
  problem?: string;
}

/** The sign that ends a file in DOS. */
const END_OF_FILE = '\u001a';
/** A record of a lead that POST /leads accepts is smaller; a longer one is a quotation mark that is never closed. */
const MAX_RECORD = 70_000;

/**
 * CSV records (RFC 4180) out of lines. A record that cannot be read is reported with its line, and reading goes on at
 * the next line: csv-parse stops at such a place, and a quotation mark in one row must not cost the rows after it.
 */
export async function* csvRecords(lines: AsyncIterable<string>, delimiter: string, firstLine = 1): AsyncGenerator<CsvRecord> {
  let start = firstLine;
  let pending: string[] = [];
  for await (const line of lines) {
    pending.push(line);
    // Inside a quoted text only a quotation mark can change anything.
    if (pending.length > 1 && !line.includes('"') && lengthOf(pending) <= MAX_RECORD) continue;
    const settled = settle(pending, start, delimiter, lengthOf(pending) > MAX_RECORD);
    yield* settled.records;
    start += settled.used;
    pending = pending.slice(settled.used);
  }
  const last = settle(pending, start, delimiter, true);
  yield* last.records;
}

/** Reads as many records as the lines have; with `end`, an open text is a fault of its first line. */
function settle(lines: string[], start: number, delimiter: string, end: boolean): { records: CsvRecord[]; used: number } {
  const records: CsvRecord[] = [];
  let used = 0;
  while (used < lines.length) {
    const read = readRecord(lines.slice(used), delimiter);
    if (read === 'open' && !end) break;
    const line = start + used;
    if (read === 'open') records.push({ line, values: [], problem: 'a quotation mark is opened and never closed' });
    else if ('problem' in read) records.push({ line, values: [], problem: read.problem });
    else if (read.values.some((value) => value !== '' && value !== END_OF_FILE)) records.push({ line, values: read.values });
    used += read === 'open' || 'problem' in read ? 1 : read.lines;
  }
  return { records, used };
}

function lengthOf(lines: string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}

/** One record from the beginning of the lines; `open` where they end inside a quoted text. */
export function readRecord(
  lines: string[],
  delimiter: string,
): { values: string[]; lines: number } | { problem: string } | 'open' {
  const values: string[] = [];
  let index = 0;
  let line = lines[0]!;
  let at = 0;
  for (;;) {
    const quote = /^[^\S\t]*"/.exec(line.slice(at));
    if (!quote || (delimiter === '\t' && quote[0] !== '"')) {
      const end = line.indexOf(delimiter, at);
      values.push(line.slice(at, end < 0 ? undefined : end).trim());
      if (end < 0) return { values, lines: index + 1 };
      at = end + 1;
      continue;
    }
    at += quote[0].length;
    let value = '';
    for (;;) {
      const close = line.indexOf('"', at);
      if (close < 0) {
        value += `${line.slice(at)}\n`;
        if (++index >= lines.length) return 'open';
        line = lines[index]!;
        at = 0;
      } else if (line[close + 1] === '"') {
        value += `${line.slice(at, close)}"`;
        at = close + 2;
      } else {
        value += line.slice(at, close);
        at = close + 1;
        break;
      }
    }
    values.push(value);
    const next = /^[^\S\t]*/.exec(line.slice(at))![0].length + at;
    if (next >= line.length) return { values, lines: index + 1 };
    if (line[next] !== delimiter) return { problem: `column ${values.length} has a quotation mark that is not doubled` };
    at = next + 1;
  }
}
