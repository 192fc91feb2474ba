import { stringify } from 'csv-stringify/sync';

/** A table as CSV (RFC 4180). A cell that a spreadsheet would run as a formula begins with an apostrophe. */
export function csvOf(header: string[], rows: (string | number | null)[][]): string {
  return stringify([header, ...rows], { record_delimiter: '\r\n', escape_formulas: true });
}
