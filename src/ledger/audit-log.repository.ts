import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';

/** Acts that are kept; the oldest are removed first. */
const KEPT = 100_000;

/** What operators did that concerns no single lead. */
@Injectable()
export class AuditLogRepository {
  constructor(private readonly database: Database) {}

  async recordAct(who: string, act: string, detail: Record<string, unknown>): Promise<void> {
    await this.database.query('SELECT ledger.record_act($1, $2, $3)', [who, act, JSON.stringify(detail)]);
  }

  /** Removes acts beyond the newest 100,000, and those older than `days` where that is given. */
  async pruneActs(days?: number): Promise<void> {
    await this.database.query(
      `DELETE FROM ledger.operator_acts
       WHERE id < (SELECT max(id) FROM ledger.operator_acts) - $1 OR at < now() - make_interval(days => $2)`,
      [KEPT, days ?? null],
    );
  }
}
