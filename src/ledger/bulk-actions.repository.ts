import { Injectable } from '@nestjs/common';
import type { LeadState } from '../domain/lead-state.js';
import { Database } from '../platform/database/database.js';

const KEPT_DAYS = 30;
/** The most leads that the page of an action lists. */
const LISTED = 100;

export interface BulkAction {
  kind: 'replay-dead-letters' | 'replay-rejections';
  who: string;
  filter: Record<string, unknown>;
  leadIds: string[];
  refused: { id: string; code: string; detail: string }[];
}

export interface BulkActionProgress extends Omit<BulkAction, 'leadIds'> {
  id: string;
  at: Date;
  /** Number of leads per current state. Leads that were erased meanwhile are missing. */
  states: Partial<Record<LeadState, number>>;
  total: number;
  leads: { id: string; name: string | null; email: string; state: LeadState; code: string | null }[];
}

/** Operator actions on many leads at once. Their progress is computed from the leads, so it survives a restart. */
@Injectable()
export class BulkActionsRepository {
  constructor(private readonly database: Database) {}

  async recordBulkAction({ kind, who, filter, leadIds, refused }: BulkAction): Promise<string> {
    const { rows } = await this.database.query<{ id: string }>(
      `INSERT INTO ledger.bulk_actions (kind, who, filter, lead_ids, refused) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
      [kind, who, JSON.stringify(filter), leadIds, JSON.stringify(refused)],
    );
    return rows[0]!.id;
  }

  async findBulkAction(id: string): Promise<BulkActionProgress | null> {
    const { rows } = await this.database.query<BulkActionProgress>(
      `SELECT b.id, b.at, b.kind, b.who, b.filter, b.refused, cardinality(b.lead_ids) AS total,
         coalesce((SELECT jsonb_object_agg(s.state, s.n) FROM (
           SELECT l.state, count(*)::int AS n FROM ledger.leads l WHERE l.id = ANY (b.lead_ids) GROUP BY l.state
         ) s), '{}') AS states,
         coalesce((SELECT jsonb_agg(to_jsonb(t)) FROM (
           SELECT l.id, l.name, l.email, l.state, l.last_error->>'code' AS code FROM ledger.leads l
           WHERE l.id = ANY (b.lead_ids[1:$2])
         ) t), '[]') AS leads
       FROM ledger.bulk_actions b WHERE b.id = $1`,
      [id, LISTED],
    );
    return rows[0] ?? null;
  }

  async pruneBulkActions(): Promise<void> {
    await this.database.query('DELETE FROM ledger.bulk_actions WHERE at < now() - make_interval(days => $1)', [KEPT_DAYS]);
  }
}
