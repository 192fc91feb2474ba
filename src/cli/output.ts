import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { CommandError, EXIT_CODES, usageError } from './exit-codes.js';
import { csvHead, csvLines } from './format-csv.js';
import { tableOf, type Column } from './format-table.js';
import { printable, wrapped } from './format-text.js';
import type { CliIo } from './io.js';
import type { ItemPage } from './paging.js';
import { widthOf } from './terminal-width.js';

export const FORMATS = ['table', 'json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputOptions {
  format: Format;
  /** Lists print ids only, acts print nothing. */
  quiet: boolean;
  /** The columns of the terminal; Infinity where the output goes elsewhere. */
  width: number;
  io: Pick<CliIo, 'stdout' | 'stderr'>;
  /** Write to this file instead of stdout. */
  file?: string;
}

export interface ListView<T> {
  columns: Column<T>[];
  /** What --quiet prints of an item. */
  id(item: T): string;
  /** The sentence where there is none. */
  empty: string;
  /** Said, on stderr, where the list has been cut at --limit. */
  more?: string;
}

/** Where the commands print: text for people, one JSON document, or CSV for spreadsheets. */
export class Output {
  private stream: Writable | null = null;
  private failure: Error | null = null;

  constructor(private readonly options: OutputOptions) {}

  get width(): number {
    return this.options.width;
  }

  get isText(): boolean {
    return this.options.format === 'table';
  }

  get isQuiet(): boolean {
    return this.options.quiet;
  }

  /** A list, page by page, so that a long one is never held in memory. */
  async list<T>(pages: AsyncIterable<ItemPage<T>>, view: ListView<T>): Promise<void> {
    const { format, quiet } = this.options;
    const isJson = format === 'json' && !quiet;
    let count = 0;
    let nextCursor: string | null = null;
    if (format === 'csv' && !quiet) await this.write(csvHead(view.columns));
    for await (const page of pages) {
      nextCursor = page.nextCursor;
      if (isJson) await this.write(jsonItems(page.items, count === 0));
      else if (quiet) await this.write(page.items.map((item) => `${view.id(item)}\n`).join(''));
      else if (format === 'csv') await this.write(csvLines(view.columns, page.items));
      else if (page.items.length > 0) await this.write(`${tableOf(view.columns, page.items, this.options.width)}\n`);
      count += page.items.length;
    }
    if (isJson) {
      await this.write(`${count === 0 ? '{\n  "items": [' : '\n  '}],\n  "nextCursor": ${JSON.stringify(nextCursor)}\n}\n`);
    }
    if (quiet || format !== 'table') return;
    if (count === 0) await this.line(view.empty);
    else if (nextCursor && view.more) this.note(view.more);
  }

  /** A document with rows: a report. JSON prints the whole document, CSV its rows. */
  async report<T>(document: unknown, items: T[], view: Pick<ListView<T>, 'columns'>, text: () => string): Promise<void> {
    if (this.options.format !== 'csv') return this.document(document, text);
    await this.write(csvHead(view.columns) + csvLines(view.columns, items));
  }

  /** One thing. @throws CommandError where CSV is asked for. */
  async document(document: unknown, text: () => string): Promise<void> {
    if (this.options.format === 'csv') throw usageError('CSV is for lists. Use --format json or table here.');
    if (this.options.format === 'json') await this.write(`${JSON.stringify(document, null, 2)}\n`);
    else await this.line(text());
  }

  /** The outcome of an act; nothing with --quiet. */
  async done(document: unknown, text: () => string): Promise<void> {
    if (!this.options.quiet) await this.document(document, text);
  }

  /** Text with everything in it that a terminal could take for a command made visible. */
  async line(text: string): Promise<void> {
    await this.write(`${wrapped(printable(text), this.options.width)}\n`);
  }

  /** For the person at the terminal; not part of the output. */
  note(text: string): void {
    const { stderr } = this.options.io;
    if (!this.options.quiet) stderr.write(`${wrapped(printable(text), widthOf(stderr))}\n`);
  }

  async write(text: string): Promise<void> {
    const stream = this.opened();
    if (this.failure) throw this.failure;
    if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {});
  }

  /** Writes what is left to the file. @throws CommandError where it cannot be written. */
  async close(): Promise<void> {
    const { stream } = this;
    if (!stream || stream === this.options.io.stdout) return;
    if (!this.failure) await new Promise<void>((resolve) => stream.end(resolve));
    if (this.failure) throw this.failure;
  }

  private opened(): Writable {
    if (this.stream) return this.stream;
    const { file, io } = this.options;
    if (file === undefined) return (this.stream = io.stdout);
    // Lists hold personal data: only the user who asked for the file can read it.
    const stream = createWriteStream(file, { mode: 0o600 });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = new CommandError(EXIT_CODES.failure, `${file} cannot be written (${error.code ?? error.message}).`);
    });
    return (this.stream = stream);
  }
}

/** Items as the inside of `JSON.stringify({items}, null, 2)`. */
function jsonItems(items: unknown[], isFirst: boolean): string {
  if (items.length === 0) return '';
  const body = items.map((item) => `    ${JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')}`).join(',\n');
  return `${isFirst ? '{\n  "items": [\n' : ',\n'}${body}`;
}
