/**
 * The columns of a terminal. Infinity for a pipe or a file, where nothing may be cut that another program reads, and
 * for a terminal that does not know its size and says 0. COLUMNS counts where the stream has none.
 */
export function widthOf({ columns }: { columns?: number }, env: Record<string, string | undefined> = {}): number {
  if (columns) return columns;
  const given = Number(env['COLUMNS']);
  return Number.isInteger(given) && given > 0 ? given : Infinity;
}
