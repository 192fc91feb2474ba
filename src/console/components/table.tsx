import type { ComponentChildren } from 'preact';
import { contentOf, grouped, visibleText } from './text.js';

export interface Column<Row> {
  title: string;
  cell(row: Row): ComponentChildren;
  /** Right-aligned. */
  numeric?: boolean;
  /** The address of the list sorted by this column. */
  sortHref?: string | undefined;
  sorted?: 'ascending' | 'descending' | undefined;
}

interface TableProps<Row> {
  caption: string;
  /** A further class, for its layout. */
  layout?: string;
  columns: Column<Row>[];
  rows: Row[];
}

/** A data table; its first column names the row. It scrolls by itself where the screen is narrow. */
export function Table<Row>({ caption, layout, columns, rows }: TableProps<Row>) {
  return (
    <div class="table-wrap" role="region" aria-label={visibleText(caption)} tabIndex={0}>
      <table class={layout}>
        <caption class="visually-hidden">{visibleText(caption)}</caption>
        <thead>
          <tr>
            {columns.map(({ title, numeric, sortHref, sorted }) => (
              <th scope="col" class={numeric ? 'num' : undefined} aria-sort={sorted}>
                {sortHref ? <a href={sortHref}>{title}</a> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {columns.map(({ cell, numeric }, index) =>
                index === 0 ? (
                  <th scope="row">{contentOf(cell(row))}</th>
                ) : (
                  <td class={numeric ? 'num' : undefined}>{numeric ? grouped(contentOf(cell(row))) : contentOf(cell(row))}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** First and next page of a list with keyset cursors. */
export function Pager({ first, next }: { first: string | null; next: string | null }) {
  if (!first && !next) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {first ? (
        <a class="button" href={first}>
          First page
        </a>
      ) : null}
      {next ? (
        <a class="button" href={next} rel="next">
          Next page
        </a>
      ) : null}
    </nav>
  );
}
