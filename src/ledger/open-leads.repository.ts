import type { OpenState } from '../domain/lead-state.js';
import type { Pool } from '../platform/database/pool.js';
import { columns } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lock-in-id-order.js';

/** An open lead and the job that should be bringing it forward. */
export interface OpenLead {
  leadId: string;
  epoch: number;
  state: OpenState;
  /** When its newest content was received. */
  contentAt: Date;
  /** Not to be tried before; null: at once. */
  nextAttemptAt: Date | null;
  /** After all others. */
  lowPriority: boolean;
}

const OPEN_LEADS = `
SELECT id AS "leadId", epoch, state, content_at AS "contentAt", next_attempt_at AS "nextAttemptAt", low_priority AS "lowPriority"
FROM ledger.leads
WHERE state IN ('received', 'enriched') AND id > $1 AND touched_at < now() - make_interval(secs => $2 / 1000.0)
ORDER BY id LIMIT $3`;

/** Raises only where nothing has happened since the lead was read: a row that moved on has a newer job of its own. */
const RAISE_EPOCHS = `
UPDATE ledger.leads l SET epoch = l.epoch + 1, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::int[], $3::text[]', 'id, epoch, state')} o
WHERE l.id = o.id AND l.epoch = o.epoch AND l.state = o.state
RETURNING l.id AS "leadId", l.epoch, l.state, l.content_at AS "contentAt", l.next_attempt_at AS "nextAttemptAt",
  l.low_priority AS "lowPriority"`;

/** A page of open leads in id order that nobody has touched for `quietMs`; start with the nil UUID. */
export async function openLeads(pool: Pool, afterId: string, quietMs: number, limit: number): Promise<OpenLead[]> {
  const { rows } = await pool.query<OpenLead>({ name: 'open-leads', text: OPEN_LEADS, values: [afterId, quietMs, limit] });
  return rows;
}

/** Gives each lead a new epoch, so that its new job's id is not one that the queue still remembers as finished. */
export async function raiseEpochs(pool: Pool, leads: OpenLead[]): Promise<OpenLead[]> {
  const { rows } = await pool.query<OpenLead>({
    name: 'raise-epochs',
    text: RAISE_EPOCHS,
    values: columns(leads, ['leadId', 'epoch', 'state']),
  });
  return rows;
}

const BACKLOG = `
SELECT state, count(*)::int AS count, extract(epoch FROM now() - min(content_at))::float AS oldest
FROM ledger.leads WHERE state IN ('received', 'enriched') GROUP BY state`;

/** Leads that wait in each open state, and the age of the oldest in seconds. */
export async function backlog(pool: Pool): Promise<{ state: OpenState; count: number; oldest: number }[]> {
  const { rows } = await pool.query<{ state: OpenState; count: number; oldest: number }>(BACKLOG);
  return rows;
}
