import { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import { BatcherFull } from '../platform/concurrency/batcher.js';
import { isStatementError, sqlState } from '../platform/database/sql-state.js';

/** SQLSTATE class 22: a value that PostgreSQL cannot store. */
export function isDataError(error: unknown): boolean {
  return sqlState(error)?.startsWith('22') ?? false;
}

/**
 * The answer of PostgreSQL, or an AppError in place of its error: LEDGER_UNAVAILABLE, LEDGER_OVERLOADED, INVALID_LEAD, or UNEXPECTED where the
 * statement itself is wrong: nobody may wait for that as for an outage.
 * PostgreSQL's own messages can quote values, so they stay behind as the cause and out of the sentence.
 * @param mistake what a wrong statement is called where the caller has somewhere else to go.
 */
export async function guarded<T>(answer: Promise<T>, mistake: ErrorCode = 'UNEXPECTED'): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (cause instanceof BatcherFull) {
      throw overloaded();
    }
    if (isDataError(cause)) {
      throw new AppError('INVALID_LEAD', 'PostgreSQL cannot store a value of this lead; it was not taken.', { cause });
    }
    if (isStatementError(cause))
      throw new AppError(mistake, `PostgreSQL refuses a statement of this service (${sqlState(cause)}).`, { cause });
    throw new AppError('LEDGER_UNAVAILABLE', `PostgreSQL did not confirm (${sqlState(cause) ?? 'no answer'}).`, { cause });
  }
}

export function overloaded(): AppError {
  return new AppError('LEDGER_OVERLOADED', 'Too many leads are waiting for PostgreSQL; this one was not taken.');
}
