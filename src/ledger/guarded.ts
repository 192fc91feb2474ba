import { AppError } from '../errors/app-error.js';
import { BatcherFull } from '../platform/batcher.js';

/** SQLSTATE class 22: a value that PostgreSQL cannot store. */
export function isDataError(error: unknown): boolean {
  return sqlState(error)?.startsWith('22') ?? false;
}

function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * The answer of PostgreSQL, or an AppError in place of its error: LEDGER_UNAVAILABLE, LEDGER_OVERLOADED or INVALID_LEAD.
 * PostgreSQL's own messages can quote values, so they stay behind as the cause and out of the sentence.
 */
export async function guarded<T>(answer: Promise<T>): Promise<T> {
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
    throw new AppError('LEDGER_UNAVAILABLE', `PostgreSQL did not confirm (${sqlState(cause) ?? 'no answer'}).`, { cause });
  }
}

export function overloaded(): AppError {
  return new AppError('LEDGER_OVERLOADED', 'Too many leads are waiting for PostgreSQL; this one was not taken.');
}
