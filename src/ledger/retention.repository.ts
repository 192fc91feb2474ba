import type { Pool } from '../platform/database/pool.js';
import { pruneActs } from './audit-log.repository.js';
import { pruneRejections, REJECTIONS_KEPT_DAYS } from './rejections.repository.js';

/** Rows a statement, and statements a look: a look is short, and nobody waits for its locks. */
const BATCH = 1000;
const BATCHES = 5;
/** Where nothing was left to do. */
const LOOK_AGAIN_MS = 600_000;

/**
 * Leads that nothing happens to any more, by the last thing that happened: in the CRM, given up or discarded. A dead letter that nobody has looked
 * at for so long goes too. Open leads never do. Who is about to write a row has it locked, and it is passed over.
 */
const PRUNE_LEADS = `
WITH old AS (
  SELECT id FROM ledger.leads
  WHERE received_at < now() - make_interval(days => $1) AND touched_at < now() - make_interval(days => $1)
    AND state IN ('synced', 'dead', 'discarded')
  ORDER BY received_at LIMIT ${BATCH}
  FOR UPDATE SKIP LOCKED
), leads AS (
  DELETE FROM ledger.leads WHERE id IN (SELECT id FROM old) RETURNING id
), events AS (
  DELETE FROM ledger.events WHERE lead_id IN (SELECT id FROM leads)
)
SELECT count(*)::int AS count FROM leads`;

/** What is small: a statement each. */
const PRUNE_OTHERS = [
  'DELETE FROM ledger.operator_acts WHERE at < now() - make_interval(days => $1)',
  "DELETE FROM flow.ai_spend WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int",
  "DELETE FROM flow.ai_costs WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int",
];
/** Remnants that nobody needs after a day, whatever RETENTION_DAYS says. Receipts of erasures are kept: they name nobody. */
const PRUNE_REMNANTS = [
  "DELETE FROM flow.workers WHERE seen_at < now() - interval '1 day'",
  "DELETE FROM flow.alerted_leads WHERE at < now() - interval '1 day'",
  "DELETE FROM flow.alert_messages WHERE created_at < now() - interval '1 day'",
  "DELETE FROM ledger.erasures WHERE who = 'late write' AND done_at < now() - interval '1 day'",
];

/** Ends what has been kept for long enough. For the leader of the sweeps; a bounded number at a time. */
export class Retention {
  private nextLook = 0;

  constructor(
    private readonly pool: Pool,
    /** RETENTION_DAYS; undefined keeps leads for ever. */
    private readonly days: number | undefined,
  ) {}

  /** @returns how many leads went. */
  async prune(): Promise<number> {
    await pruneRejections(this.pool, Math.min(this.days ?? Infinity, REJECTIONS_KEPT_DAYS));
    await pruneActs(this.pool);
    if (performance.now() < this.nextLook) return 0;
    for (const text of PRUNE_REMNANTS) await this.pool.query(text);
    const count = this.days === undefined ? 0 : await this.pruneLeads(this.days);
    if (count < BATCHES * BATCH) this.nextLook = performance.now() + LOOK_AGAIN_MS;
    return count;
  }

  private async pruneLeads(days: number): Promise<number> {
    for (const text of PRUNE_OTHERS) await this.pool.query(text, [days]);
    let total = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const { rows } = await this.pool.query<{ count: number }>(PRUNE_LEADS, [days]);
      total += rows[0]!.count;
      if (rows[0]!.count < BATCH) break;
    }
    return total;
  }
}
