import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';

/** The number of acts that are kept; the oldest are removed first. */
const KEPT = 100_000;

export const LIST_ACTS = `
SELECT id::text, at, who, act, detail FROM ledger.operator_acts
WHERE ($1::text IS NULL OR who = $1) AND ($2::text IS NULL OR act = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY ledger.operator_acts.id DESC LIMIT $4`;

export interface ActFilter {
  who?: string | undefined;
  act?: string | undefined;
}

export interface OperatorAct {
  id: string;
  at: Date;
  who: string;
  act: string;
  detail: Record<string, unknown>;
}

/** Operator acts that do not concern a single lead. */
@Injectable()
export class AuditLogRepository {
  constructor(private readonly database: Database) {}

  async recordAct(who: string, act: string, detail: Record<string, unknown>, on: Queryable = this.database): Promise<void> {
    await on.query('SELECT ledger.record_act($1, $2, $3)', [who, act, JSON.stringify(detail)]);
  }

  /** A page of operator acts, newest first. `before`: the id below which the page starts. */
  async listActs({ who, act }: ActFilter, limit: number, before: string | null): Promise<OperatorAct[]> {
    const values = [who ?? null, act ?? null, before, limit];
    const { rows } = await this.database.query<OperatorAct>(LIST_ACTS, values);
    return rows;
  }

  /** The distinct names of all acts in the log. */
  async listActNames(): Promise<string[]> {
    const { rows } = await this.database.query<{ act: string }>('SELECT DISTINCT act FROM ledger.operator_acts ORDER BY act');
    return rows.map(({ act }) => act);
  }

  /** Removes acts beyond the newest 100,000, and acts older than `days` if given. */
  async pruneActs(days?: number): Promise<void> {
    await this.database.query(
      `DELETE FROM ledger.operator_acts
       WHERE id < (SELECT max(id) FROM ledger.operator_acts) - $1 OR at < now() - make_interval(days => $2)`,
      [KEPT, days ?? null],
    );
  }
}
