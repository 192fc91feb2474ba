import { stringify } from 'csv-stringify/sync';
import type { Column } from './format-table.js';

/** A spreadsheet runs a cell that begins with one of these as a formula. */
const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

export function csvHead<T>(columns: Column<T>[]): string {
  return stringify([columns.map(({ field }) => field)]);
}

/**
 * One line per item, RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe before it, since what
 * a person typed into a form must not run on the machine of the one who opens the file.
 */
export function csvLines<T>(columns: Column<T>[], items: T[]): string {
  return stringify(items.map((item) => columns.map((column) => csvValue(column.value(item)))));
}

function csvValue(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
}
