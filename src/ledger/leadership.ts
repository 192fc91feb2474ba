import type { Pool } from '../platform/postgres.js';

const SWEEPER_LOCK = 0x7e5e_0002;

/**
 * Runs `work` only if no other process is running it. The lock belongs to the connection and ends with it, however that
 * ends: a killed leader blocks nobody. It is no transaction, since an open one would hold back the vacuum for as long.
 * @returns false where another process is the leader.
 */
export async function asSweepLeader(pool: Pool, work: () => Promise<void>): Promise<boolean> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [SWEEPER_LOCK]);
    if (!rows[0]!.locked) return false;
    await work();
    await client.query('SELECT pg_advisory_unlock($1)', [SWEEPER_LOCK]);
    return true;
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    // A connection that failed is closed, and the lock with it; returned to the pool it might be held for ever.
    client.release(failure);
  }
}
