import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { rejectedKindOf, type RejectedKind } from './rejected-body.js';

/** What arrived in the last day, as far as it shows how the webhook is set up. */
export interface MarketoArrivals {
  /** Of the newest ones, which are looked through. */
  leads: number;
  withMarketoId: number;
  /** Fields of leads that have a token instead of its value. */
  unresolved: { field: string; count: number }[];
  rejected: { kind: RejectedKind; count: number }[];
}

/** Leads and rejections that are looked through. */
const LEADS = 2000;
const REJECTIONS = 200;

const NEWEST = `
SELECT name, attributes FROM ledger.leads WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT ${LEADS}`;

const COUNTED = `
WITH newest AS (${NEWEST})
SELECT count(*)::int AS leads, (count(*) FILTER (WHERE attributes ? 'marketo_id'))::int AS "withMarketoId" FROM newest`;

const UNRESOLVED = `
WITH newest AS (${NEWEST})
SELECT field, count(*)::int AS count FROM newest,
  LATERAL (SELECT 'name' AS field, name AS value UNION ALL SELECT key, value FROM jsonb_each_text(attributes)) f
WHERE value LIKE '%{{%}}%' GROUP BY field ORDER BY count(*) DESC, field LIMIT 10`;

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
