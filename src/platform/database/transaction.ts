import type { PoolClient } from 'pg';
import type { Pool } from './pool.js';

/** Runs `work` in one transaction: all of it is committed, or nothing. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    // A connection that failed is closed, which rolls back; asked to do so itself it might not answer.
    client.release(failure);
  }
}
