import { Injectable } from '@nestjs/common';
import type { Database, Queryable } from '../platform/database/database.js';

/** What an operator should correct in a downstream although no lead failed. */
export interface Notice {
  kind: string;
  /** The id or name of what is to be corrected; no personal data. */
  subject: string;
  /** The code or sentence of the downstream. */
  reason: string;
}

/** Senders choose campaign ids, so the number of subjects needs a bound. */
const KEPT = 1000;
const KEPT_DAYS = 30;
const MAX_TEXT = 300;
/** A notice that goes on is alerted again after this. */
const ALERT_AGAIN_HOURS = 24;

/** Notices of all workers. Callers record each subject once per hour at most. */
@Injectable()
export class NoticesRepository {
  constructor(private readonly database: Database) {}

  async record({ kind, subject, reason }: Notice): Promise<void> {
    await this.database.query(
      `INSERT INTO flow.notices AS n (kind, subject, reason) VALUES ($1, $2, $3)
       ON CONFLICT (kind, subject) DO UPDATE SET reason = excluded.reason, last_at = now()`,
      [kind, subject.slice(0, MAX_TEXT), reason.slice(0, MAX_TEXT)],
    );
    await this.database.query(
      `DELETE FROM flow.notices WHERE last_at < now() - make_interval(days => $1)
         OR (kind, subject) IN (SELECT kind, subject FROM flow.notices ORDER BY last_at DESC, kind, subject OFFSET $2)`,
      [KEPT_DAYS, KEPT],
    );
  }

  /**
   * Those of the last 24 hours without an alert in this time, oldest first. They count as alerted when the transaction
   * commits.
   */
  async takeForAlert(transaction: Queryable, kinds: readonly string[], limit: number): Promise<Notice[]> {
    const { rows } = await transaction.query<Notice>(
      `WITH due AS (
         SELECT kind, subject FROM flow.notices
         WHERE kind = ANY($1) AND last_at > now() - make_interval(hours => $2)
           AND (alerted_at IS NULL OR alerted_at < now() - make_interval(hours => $2))
         ORDER BY first_at, kind, subject LIMIT $3 FOR UPDATE SKIP LOCKED
       )
       UPDATE flow.notices n SET alerted_at = now() FROM due
       WHERE n.kind = due.kind AND n.subject = due.subject RETURNING n.kind, n.subject, n.reason`,
      [kinds, ALERT_AGAIN_HOURS, limit],
    );
    return rows.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.subject.localeCompare(b.subject));
  }
}
