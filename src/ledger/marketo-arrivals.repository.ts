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

const COUNTED = `
SELECT count(*)::int AS leads, (count(*) FILTER (WHERE attributes ? 'marketo_id'))::int AS "withMarketoId" FROM (
  SELECT attributes FROM ledger.leads WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT ${LEADS}
) newest`;

/** The intake leaves such tokens out and notes it. */
const UNRESOLVED = `
SELECT n->>'path' AS field, count(*)::int AS count FROM (
  SELECT detail FROM ledger.events
  WHERE at > now() - interval '1 day' AND kind IN ('received', 'revised', 'late-content') ORDER BY at DESC LIMIT ${LEADS}
) newest, LATERAL jsonb_array_elements(coalesce(detail->'notes', '[]')) n
WHERE n->>'kind' = 'token' GROUP BY n->>'path' ORDER BY count(*) DESC, n->>'path' LIMIT 10`;

const REJECTED = `
SELECT encode(substring(body FROM 1 FOR 4096), 'escape') AS body FROM ledger.rejections
WHERE received_at > now() - interval '1 day' AND replayed_as IS NULL ORDER BY received_at DESC LIMIT ${REJECTIONS}`;

/** Leads and rejected requests of the last day. */
@Injectable()
export class MarketoArrivalsRepository {
  constructor(private readonly database: Database) {}

  async ofLastDay(): Promise<MarketoArrivals> {
    const [counted, unresolved, rejected] = await Promise.all([
      this.database.query<{ leads: number; withMarketoId: number }>(COUNTED),
      this.database.query<{ field: string; count: number }>(UNRESOLVED),
      this.database.query<{ body: string }>(REJECTED),
    ]);
    const kinds = new Map<RejectedKind, number>();
    for (const { body } of rejected.rows) kinds.set(rejectedKindOf(body), (kinds.get(rejectedKindOf(body)) ?? 0) + 1);
    return {
      ...counted.rows[0]!,
      unresolved: unresolved.rows,
      rejected: [...kinds].map(([kind, count]) => ({ kind, count })),
    };
  }
}
