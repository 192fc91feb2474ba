import type { Database, Queryable } from '../platform/database/database.js';

/** The function feedback.erase_person takes the same lock exclusively. */
const ERASURE_LOCK = 2_120_089_618;

/**
 * A transaction that writes about persons of whom the ledger has leads. While it runs no person is erased, so that it
 * leaves no row of a person whose leads are gone.
 */
export function writeAboutPersons<T>(database: Database, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  return database.transaction(async (transaction) => {
    await transaction.query('SELECT pg_advisory_xact_lock_shared($1)', [ERASURE_LOCK]);
    return work(transaction);
  });
}
