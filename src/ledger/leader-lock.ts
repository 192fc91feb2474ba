import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '../platform/database/database.js';
import { CONTROL_DATABASE } from '../platform/platform.module.js';

/** One advisory lock per task that only one process may run at a time. */
const LOCKS = {
  sweep: 0x7e5e_0002,
  drain: 0x7e5e_0003,
  alert: 0x7e5e_0010,
  erase: 0x7e5e_0011,
  outcomes: 0x7e5e_0013,
  bulk: 0x7e5e_0022,
  directory: 0x7e5e_0025,
};

export type LeaderTask = keyof typeof LOCKS;

/**
 * Elects one process per task. The lock belongs to a connection and ends with it, so a killed leader blocks no other
 * process. It holds no transaction, because an open one would delay vacuum.
 */
@Injectable()
export class LeaderLock {
  constructor(@Inject(CONTROL_DATABASE) private readonly database: Database) {}

  /**
   * Runs `work` where no other process runs the task; errors of `work` pass unchanged.
   * @returns false where another process is the leader.
   */
  runAsLeader(task: LeaderTask, work: () => Promise<void>): Promise<boolean> {
    return this.database.withConnection(async (connection) => {
      const lock = 'SELECT pg_try_advisory_lock($1) AS locked';
      const { rows } = await connection.query<{ locked: boolean }>(lock, [LOCKS[task]]);
      if (!rows[0]!.locked) return false;
      // If the work fails, the connection is closed to release the lock. A pooled connection would keep it.
      await work();
      await connection.query('SELECT pg_advisory_unlock($1)', [LOCKS[task]]);
      return true;
    });
  }
}
