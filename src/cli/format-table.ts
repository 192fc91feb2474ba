import Table from 'cli-table3';
import stringWidth from 'string-width';
import { printable, truncated } from './format-text.js';

/** One column of a list. The same columns make the table and, with their exact values, the CSV. */
export interface Column<T> {
  head: string;
  /** The name of the CSV column: that of the JSON field. */
  field: string;
  value(item: T): string | number | boolean | null | undefined;
  /** What a table shows instead of the exact value. */
  cell?(item: T): string;
  /** The narrowest useful width of a table cell; a column without it is never cut. */
  min?: number;
  /** Of a table that is too wide, the column with the lowest value is left out first. */
  rank: number;
  /** An id: cut to its first characters, which the commands accept, without an ellipsis. */
  isId?: true;
}

/** A column that only the CSV has. */
export const CSV_ONLY = -1;
const LONGEST_CELL = 200;

/** A table in at most `width` columns; Infinity where the output is not a terminal. */
export function tableOf<T>(columns: Column<T>[], items: T[], width: number): string {
  const shown = columns.filter(({ rank }) => rank !== CSV_ONLY);
  const cells = new Map(shown.map((column) => [column, items.map((item) => cellText(column, item))]));
  const naturals = new Map(
    shown.map((column) => [column, Math.max(stringWidth(column.head), ...cells.get(column)!.map((text) => stringWidth(text)))]),
  );
  const layout = layoutOf(shown, naturals, width);
  const table = new Table({
    head: layout.map(({ column, size }) => truncated(column.head, size)),
    colWidths: layout.map(({ size }) => size + 2),
    style: { head: [], border: [], compact: true },
  });
  for (const index of items.keys()) {
    table.push(layout.map(({ column, size }) => truncated(cells.get(column)![index]!, size, column.isId ? '' : '…')));
  }
  return table.toString();
}

/** Names and values: what is known of one thing. */
export function pairsTable(heads: [string, string], pairs: [string, string | number][], width: number): string {
  const columns: Column<[string, string | number]>[] = [
    { head: heads[0], field: 'name', value: ([name]) => name, min: 8, rank: 2 },
    { head: heads[1], field: 'value', value: ([, value]) => value, min: 8, rank: 2 },
  ];
  return tableOf(columns, pairs, width);
}

interface Sized<T> {
  column: Column<T>;
  size: number;
}

/** Ids are cut first, then the widest columns that may be, then whole columns are left out. */
function layoutOf<T>(columns: Column<T>[], naturals: Map<Column<T>, number>, width: number): Sized<T>[] {
  for (let kept = columns; ; kept = withoutLowest(kept)) {
    const available = width - (3 * kept.length + 1);
    const sizes = kept.map((column) => ({ column, size: Math.min(naturals.get(column)!, Math.max(1, width)) }));
    for (const sized of sizes) {
      if (sized.column.isId && sum(sizes) > available) sized.size = Math.min(sized.size, sized.column.min ?? sized.size);
    }
    while (sum(sizes) > available) {
      const widest = sizes
        .filter(({ column, size }) => column.min !== undefined && size > column.min)
        .toSorted((a, b) => b.size - a.size)[0];
      if (!widest) break;
      widest.size--;
    }
    if (sum(sizes) <= available) return sizes;
    if (kept.length === 1) return [{ column: kept[0]!, size: Math.max(1, available) }];
  }
}

function withoutLowest<T>(columns: Column<T>[]): Column<T>[] {
  const lowest = Math.min(...columns.map(({ rank }) => rank));
  const last = columns.findLastIndex(({ rank }) => rank === lowest);
  return columns.filter((_, index) => index !== last);
}

function sum(sizes: { size: number }[]): number {
  return sizes.reduce((total, { size }) => total + size, 0);
}

function cellText<T>(column: Column<T>, item: T): string {
  const text = column.cell ? column.cell(item) : String(column.value(item) ?? '');
  return truncated(
    printable(
      text
        .slice(0, 4 * LONGEST_CELL)
        .replaceAll(/\s+/gu, ' ')
        .trim(),
    ),
    LONGEST_CELL,
  );
}
