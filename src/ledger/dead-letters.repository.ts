import type { LeadContent, LeadError } from '../domain/lead.js';
import type { Stage } from '../domain/lead-state.js';
import { pageOf, type Cursor, type Page } from '../platform/database/cursor-pagination.js';
import type { Pool } from '../platform/database/pool.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-row.js';

/** A lead that was given up, and why. Times are ISO 8601 in UTC. */
export interface DeadLetter extends LeadContent, LeadError {
  attempts: number;
  diedAt: string;
}

interface Row extends ContentRow {
  last_error: LeadError;
  attempts: number;
  died_at: Date;
  exact_received_at: string;
}

export interface DeadLetterFilter {
  id?: string;
  code?: string;
}

/** A page, those that died last first. The cursor's time is that of the death. */
export async function listDeadLetters(
  pool: Pool,
  { id, code }: DeadLetterFilter,
  limit: number,
  after: Cursor | null,
): Promise<Page<DeadLetter>> {
  const { rows } = await pool.query<Row>(
    `SELECT ${CONTENT_COLUMNS('l')}, l.last_error, l.died_at,
       CASE l.last_error->>'stage' WHEN 'enrichment' THEN l.enrichment_attempts ELSE l.crm_sync_attempts END AS attempts,
       to_char(l.died_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS exact_received_at
     FROM ledger.leads l
     WHERE l.state = 'dead' AND ($1::uuid IS NULL OR l.id = $1) AND ($2::text IS NULL OR l.last_error->>'code' = $2)
       AND ($3::timestamptz IS NULL OR (l.died_at, l.id) < ($3::timestamptz, $4::uuid))
     ORDER BY l.died_at DESC, l.id DESC LIMIT $5`,
    [id ?? null, code ?? null, after?.receivedAt ?? null, after?.id ?? null, limit],
  );
  return pageOf(rows, limit, (row) => ({
    ...contentOf(row),
    ...row.last_error,
    attempts: row.attempts,
    diedAt: row.died_at.toISOString(),
  }));
}

/** Dead letters that look alike. */
export interface DeadLetterGroup {
  stage: Stage;
  code: string;
  class: string;
  signature: string | null;
  count: number;
  oldest: Date;
  newest: Date;
  /** One of them, to look at. */
  example: string;
}

export async function groupDeadLetters(pool: Pool): Promise<DeadLetterGroup[]> {
  const { rows } = await pool.query<DeadLetterGroup>(
    `SELECT last_error->>'stage' AS stage, last_error->>'code' AS code, last_error->>'class' AS class,
       last_error->>'signature' AS signature, count(*)::int AS count, min(died_at) AS oldest, max(died_at) AS newest,
       (array_agg(id ORDER BY died_at DESC))[1] AS example
     FROM ledger.leads WHERE state = 'dead' GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, 2`,
  );
  return rows;
}
