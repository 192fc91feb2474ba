import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';

/** The place in a list, newest first, after which the next page begins. `receivedAt` is exact to the microsecond. */
export interface Cursor {
  receivedAt: string;
  id: string;
}

export interface Page<T> {
  items: T[];
  next: Cursor | null;
}

/** SQL expression: the time with microseconds. A JavaScript date has milliseconds, so a page would skip rows. */
export const EXACT_RECEIVED_AT = `to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS exact_received_at`;

/** Makes a page of the rows. A full page has a cursor, which points after its last row. */
export function pageOf<Row extends { id: string; exact_received_at: string }, T>(
  rows: Row[],
  limit: number,
  itemOf: (row: Row) => T,
): Page<T> {
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return { items: rows.map(itemOf), next: last ? { receivedAt: last.exact_received_at, id: last.id } : null };
}

const cursorSchema = z.object({ receivedAt: z.iso.datetime(), id: z.uuid() });

export function encodeCursor({ receivedAt, id }: Cursor): string {
  return Buffer.from(JSON.stringify({ receivedAt, id })).toString('base64url');
}

/** @throws AppError BAD_REQUEST */
export function decodeCursor(text: string): Cursor {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new AppError('BAD_REQUEST', 'The cursor is not one that this service gave. Start again without it.');
  }
}
