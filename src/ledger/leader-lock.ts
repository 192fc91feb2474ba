import type { Pool } from '../platform/database/pool.js';

/** One lock for each work that only one process may be at. */
const LOCKS = { sweep: 0x7e5e_0002, drain: 0x7e5e_0003, alert: 0x7e5e_0010, erase: 0x7e5e_0011 };

/**
 * Runs `work` only if no other process is running it. The lock belongs to the connection and ends with it, however that
 * ends: a killed leader blocks nobody. It is no transaction, since an open one would hold back the vacuum for as long.
 * @returns false where another process is the leader.
 */
export async function asLeader(pool: Pool, name: keyof typeof LOCKS, work: () => Promise<void>): Promise<boolean> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [LOCKS[name]]);
    if (!rows[0]!.locked) return false;
    await work();
    await client.query('SELECT pg_advisory_unlock($1)', [LOCKS[name]]);
    return true;
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    // A connection that failed is closed, and the lock with it; returned to the pool it might be held for ever.
    client.release(failure);
  }
}
