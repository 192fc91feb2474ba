import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { rejectedKindOf, type RejectedKind } from './rejected-body.js';

/** What arrived in the last day, as far as it shows how the webhook is set up. */
export interface MarketoArrivals {
  /** Of the newest ones, which are looked through. */
  leads: number;
  withMarketoId: number;
  /** Fields that arrived with a token instead of its value. */
  unresolved: { field: string; count: number }[];
  rejected: { kind: RejectedKind; count: number }[];
}

/** Leads and rejections that are looked through. */
const LEADS = 2000;
const REJECTIONS = 200;

export const COUNT_ARRIVALS = `
SELECT count(*)::int AS leads, (count(*) FILTER (WHERE attributes ? 'marketo_id'))::int AS "withMarketoId" FROM (
  SELECT attributes FROM ledger.leads WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT ${LEADS}
) newest`;

/**
 * The intake leaves such tokens out and notes it. No index has the events of a day in their order, so those of the
 * newest leads are read; OFFSET keeps the planner from reading all events instead.
 */
export const UNRESOLVED_TOKENS = `
SELECT n->>'path' AS field, count(*)::int AS count FROM (
  SELECT id FROM ledger.leads WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT ${LEADS}
) newest
CROSS JOIN LATERAL (
  SELECT detail FROM ledger.events
  WHERE lead_id = newest.id AND kind IN ('received', 'revised', 'late-content') OFFSET 0
) e
CROSS JOIN LATERAL jsonb_array_elements(coalesce(e.detail->'notes', '[]')) n
WHERE n->>'kind' = 'token' GROUP BY n->>'path' ORDER BY count(*) DESC, n->>'path' LIMIT 10`;

export const NEWEST_REJECTED = `
SELECT encode(substring(body FROM 1 FOR 4096), 'escape') AS body FROM ledger.rejections
WHERE received_at > now() - interval '1 day' AND replayed_as IS NULL ORDER BY received_at DESC LIMIT ${REJECTIONS}`;

/** Leads and rejected requests of the last day. */
@Injectable()
export class MarketoArrivalsRepository {
  constructor(private readonly database: Database) {}

  async ofLastDay(): Promise<MarketoArrivals> {
    const [counted, unresolved, rejected] = await Promise.all([
      this.database.query<{ leads: number; withMarketoId: number }>(COUNT_ARRIVALS),
      this.database.query<{ field: string; count: number }>(UNRESOLVED_TOKENS),
      this.database.query<{ body: string }>(NEWEST_REJECTED),
    ]);
    const kinds = new Map<RejectedKind, number>();
    for (const { body } of rejected.rows) {
      const kind = rejectedKindOf(body);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    return {
      ...counted.rows[0]!,
      unresolved: unresolved.rows,
      rejected: [...kinds].map(([kind, count]) => ({ kind, count })),
    };
  }
}
