/** The SQLSTATE of what PostgreSQL answered; undefined where it did not answer. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * SQLSTATE class 42: a statement that PostgreSQL does not understand, or that asks for what is not there. It will be refused for as long as this
 * version of the service runs, so waiting mends nothing. A right that somebody took away (42501) is not of our making, and comes back.
 */
export function isStatementError(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && state.startsWith('42') && state !== '42501';
}
