import { InvalidArgumentError } from 'commander';
import { CommandError, EXIT_CODES } from './exit-codes.js';

export interface ItemPage<T> {
  items: T[];
  nextCursor: string | null;
}

const NO_LIST = 'What answers is not RevenueFlow, or is another version of it: it sent no list. Check --url or REVENUEFLOW_URL.';

/** What the service answers at most at a time. */
const PAGE = 200;

/** The first `limit` items, as many requests as that takes. */
export async function* pagesOf<T>(
  fetchPage: (size: number, cursor: string | null) => Promise<ItemPage<T>>,
  limit: number,
): AsyncGenerator<ItemPage<T>> {
  let left = limit;
  let cursor: string | null = null;
  do {
    const page: ItemPage<T> = await fetchPage(Math.min(PAGE, left), cursor);
    // Such as a proxy answers that is asked for a path of its own.
    if (!Array.isArray(page.items)) throw new CommandError(EXIT_CODES.failure, NO_LIST);
    yield page;
    left -= page.items.length;
    // A page can be empty although the list goes on: a filter without an index looks at so many rows and no more.
    cursor = page.nextCursor === cursor ? null : page.nextCursor;
  } while (cursor !== null && left > 0);
}

/** The value of --limit: a number, or all. */
export function readLimit(text: string): number {
  return text === 'all' ? Infinity : readCount(text);
}

/** A whole number from 1. */
export function readCount(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** A number above 0. */
export function readPositive(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** A path with the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString();
  return query === '' ? path : `${path}?${query}`;
}
