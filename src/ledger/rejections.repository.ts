import { Inject, Injectable } from '@nestjs/common';
import type { QueryResult } from 'pg';
import type { FieldProblem } from '../domain/app-error.js';
import { EXACT_RECEIVED_AT, pageOf, type Cursor, type Page } from '../platform/database/cursor-pagination.js';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';

/** The most requests that are kept; the oldest are removed first. */
const KEPT = 10_000;
const KEPT_DAYS = 30;
/** Bodies that are in memory at a time. A body may have 64 KiB. */
const PAGE = 50;

/** A request that was refused with 400, as received. */
export interface RejectedRequest {
  contentType: string;
  body: Buffer;
  code: string;
  detail: string;
  problems: FieldProblem[];
}

export interface Rejection extends RejectedRequest {
  id: string;
  receivedAt: string;
  replayedAs: string | null;
  replayedBy: string | null;
  replayedAt: string | null;
}

/** Open rejections that are wrong in the same way. */
export interface RejectionGroup {
  /** Names the group in an address. */
  cause: string;
  code: string;
  /** That of the newest. */
  detail: string;
  count: number;
  oldest: Date;
  newest: Date;
}

/** Places differ with the values of a body, so numbers are left out. It has no index: at most 10,000 rows are kept. */
const CAUSE = `md5(code || ' ' || regexp_replace(detail, '[0-9]+', '#', 'g'))`;

interface Row {
  id: string;
  received_at: Date;
  content_type: string;
  body: Buffer;
  code: string;
  detail: string;
  problems: FieldProblem[];
  replayed_as: string | null;
  replayed_by: string | null;
  replayed_at: Date | null;
}

type PagedRow = Row & { exact_received_at: string };

/** Refused requests, kept so that they can be replayed. */
@Injectable()
export class RejectionsRepository {
  constructor(
    private readonly database: Database,
    @Inject(REPORT_DATABASE) private readonly reports: Database = database,
  ) {}

  async storeRejection({ contentType, body, code, detail, problems }: RejectedRequest): Promise<string> {
    const { rows } = await this.database.query<{ id: string }>(
      `INSERT INTO ledger.rejections (content_type, body, code, detail, problems) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
      [contentType, body, code, detail, JSON.stringify(problems)],
    );
    return rows[0]!.id;
  }

  async findRejection(id: string): Promise<Rejection | null> {
    const { rows } = await this.database.query<Row>('SELECT * FROM ledger.rejections WHERE id = $1', [id]);
    return rows[0] ? rejectionOf(rows[0]) : null;
  }

  /** A page, newest first. */
  async listRejections(limit: number, after: Cursor | null, cause?: string): Promise<Page<Rejection>> {
    const { rows } = await this.database.query<PagedRow>(
      `SELECT *, ${EXACT_RECEIVED_AT} FROM ledger.rejections
       WHERE ($2::timestamptz IS NULL OR (received_at, id) < ($2::timestamptz, $3::uuid))
         AND ($4::text IS NULL OR (replayed_as IS NULL AND ${CAUSE} = $4))
       ORDER BY received_at DESC, id DESC LIMIT $1`,
      [limit, after?.receivedAt ?? null, after?.id ?? null, cause ?? null],
    );
    return pageOf(rows, limit, rejectionOf);
  }

  /** The oldest `limit` requests that have not been replayed. Bodies are read a page at a time. */
  async *openRejections(limit: number): AsyncGenerator<Rejection> {
    let after = null as Cursor | null;
    for (let left = limit; left > 0; left -= PAGE) {
      const { rows }: QueryResult<PagedRow> = await this.database.query<PagedRow>(
        `SELECT *, ${EXACT_RECEIVED_AT} FROM ledger.rejections
         WHERE replayed_as IS NULL AND ($2::timestamptz IS NULL OR (received_at, id) > ($2::timestamptz, $3::uuid))
         ORDER BY received_at, id LIMIT $1`,
        [Math.min(left, PAGE), after?.receivedAt ?? null, after?.id ?? null],
      );
      for (const row of rows) yield rejectionOf(row);
      if (rows.length < PAGE) return;
      after = pageOf(rows, PAGE, rejectionOf).next;
    }
  }

  /** The ids of the oldest `limit` that have not been replayed. */
  async openRejectionIds(limit: number, cause?: string): Promise<string[]> {
    const { rows } = await this.database.query<{ id: string }>(
      `SELECT id FROM ledger.rejections WHERE replayed_as IS NULL AND ($2::text IS NULL OR ${CAUSE} = $2)
       ORDER BY received_at, id LIMIT $1`,
      [limit, cause ?? null],
    );
    return rows.map(({ id }) => id);
  }

  /** The most frequent first. */
  async groupOpenRejections(): Promise<RejectionGroup[]> {
    const { rows } = await this.database.query<RejectionGroup>(
      `SELECT ${CAUSE} AS cause, code, (array_agg(detail ORDER BY received_at DESC))[1] AS detail, count(*)::int AS count,
         min(received_at) AS oldest, max(received_at) AS newest
       FROM ledger.rejections WHERE replayed_as IS NULL GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT 50`,
    );
    return rows;
  }

  /** The number of requests that have not been replayed. */
  async countOpenRejections(cause?: string): Promise<number> {
    const { rows } = await this.reports.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ledger.rejections
       WHERE replayed_as IS NULL AND ($1::text IS NULL OR ${CAUSE} = $1)`,
      [cause ?? null],
    );
    return rows[0]!.count;
  }

  async markReplayed(id: string, leadId: string, operator: string): Promise<void> {
    const text = 'UPDATE ledger.rejections SET replayed_as = $2, replayed_by = $3, replayed_at = now() WHERE id = $1';
    await this.database.query(text, [id, leadId, operator]);
  }

  /** Removes requests older than `days` (at most 30) or beyond the newest 10,000. @returns how many. */
  async pruneRejections(days: number = KEPT_DAYS): Promise<number> {
    const { rowCount } = await this.database.query(
      `DELETE FROM ledger.rejections WHERE id IN (
         SELECT id FROM ledger.rejections WHERE received_at < now() - make_interval(days => $1)
         UNION ALL
         (SELECT id FROM ledger.rejections ORDER BY received_at DESC, id DESC OFFSET $2)
         LIMIT 5000)`,
      [Math.min(days, KEPT_DAYS), KEPT],
    );
    return rowCount ?? 0;
  }
}

function rejectionOf(row: Row): Rejection {
  return {
    id: row.id,
    receivedAt: row.received_at.toISOString(),
    contentType: row.content_type,
    body: row.body,
    code: row.code,
    detail: row.detail,
    problems: row.problems,
    replayedAs: row.replayed_as,
    replayedBy: row.replayed_by,
    replayedAt: row.replayed_at?.toISOString() ?? null,
  };
}
