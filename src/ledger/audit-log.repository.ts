import type { Pool } from '../platform/database/pool.js';

/** Acts that are kept; the oldest go first. */
const KEPT = 100_000;

/** Writes down what an operator did that concerns no single lead. */
export async function recordAct(pool: Pool, who: string, act: string, detail: Record<string, unknown>): Promise<void> {
  await pool.query('INSERT INTO ledger.operator_acts (who, act, detail) VALUES ($1, $2, $3)', [who, act, JSON.stringify(detail)]);
}

export async function pruneActs(pool: Pool): Promise<void> {
  await pool.query('DELETE FROM ledger.operator_acts WHERE id < (SELECT max(id) FROM ledger.operator_acts) - $1', [KEPT]);
}
