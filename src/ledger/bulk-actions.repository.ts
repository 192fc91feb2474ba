import { Injectable } from '@nestjs/common';
import type { LeadState } from '../domain/lead-state.js';
import { Database, type Queryable } from '../platform/database/database.js';

const KEPT_DAYS = 30;
/** Leads of an action that its page lists; its CSV has all. */
const LISTED = 100;

/** A row that could not be processed, and why. */
export interface RefusedRow {
  id: string;
  code: string;
  detail: string;
}

export interface BulkAction {
  /** Chosen by the caller, so that an action that is requested twice is begun once. */
  id: string;
  kind: 'replay-dead-letters' | 'replay-rejections';
  who: string;
  filter: Record<string, unknown>;
  /** Leads that are under way already. */
  leadIds: string[];
  /** Rows that wait for their turn. */
  openIds: string[];
  perSecond: number;
}

export interface BulkLead {
  id: string;
  name: string | null;
  email: string;
  state: LeadState;
  code: string | null;
}

export interface BulkActionProgress extends Omit<BulkAction, 'leadIds' | 'openIds'> {
  at: Date;
  refused: RefusedRow[];
  /** Rows that wait for their turn. */
  open: number;
  /** Number of leads per current state. Leads that were erased meanwhile are missing. */
  states: Partial<Record<LeadState, number>>;
  /** Leads that are or were under way. */
  leadCount: number;
  /** The first of them, dead letters before the others. */
  leads: BulkLead[];
}

/** An action in a list. */
export interface BulkActionSummary {
  id: string;
  at: Date;
  who: string;
  /** Rows in all, and those that wait for their turn. */
  rows: number;
  open: number;
}

/** What became of rows that had their turn. */
export interface SettledRows {
  settled: string[];
  /** Leads that are under way now. */
  leadIds: string[];
  refused: RefusedRow[];
}

/** The next rows of an action. */
export interface OpenRows {
  id: string;
  kind: BulkAction['kind'];
  who: string;
  filter: Record<string, unknown>;
  rows: string[];
}

/** Operator actions on many leads at once. Their progress is computed from the leads, so it survives a restart. */
@Injectable()
export class BulkActionsRepository {
  constructor(private readonly database: Database) {}

  /** Also in the audit log. An action with this id that exists already stays as it is. */
  async recordBulkAction({ id, kind, who, filter, leadIds, openIds, perSecond }: BulkAction): Promise<void> {
    await this.database.query(
      `WITH begun AS (
         INSERT INTO ledger.bulk_actions (id, kind, who, filter, lead_ids, open_ids, per_second)
         VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING kind
       )
       SELECT ledger.record_act($3, kind, $4::jsonb || jsonb_build_object('count', cardinality($6::uuid[]), 'perSecond', $7::float))
       FROM begun`,
      [id, kind, who, JSON.stringify(filter), leadIds, openIds, perSecond],
    );
  }

  async hasBulkAction(id: string): Promise<boolean> {
    return (await this.database.query('SELECT FROM ledger.bulk_actions WHERE id = $1', [id])).rowCount === 1;
  }

  /** The rows of each unfinished action that are due within a second, at its rate. */
  async listOpenRows(): Promise<OpenRows[]> {
    const { rows } = await this.database.query<OpenRows>(
      `SELECT id, kind, who, filter, open_ids[1:greatest(1, per_second)::int] AS rows FROM ledger.bulk_actions
       WHERE open_ids <> '{}' ORDER BY at LIMIT 10`,
    );
    return rows;
  }

  /**
   * These rows have had their turn. A crash before this repeats them, so their processing must be idempotent, or in the
   * same transaction.
   */
  async settleRows(
    id: string,
    { settled, leadIds, refused }: SettledRows,
    transaction: Queryable = this.database,
  ): Promise<void> {
    await transaction.query(
      `UPDATE ledger.bulk_actions SET lead_ids = lead_ids || $3::uuid[], refused = refused || $4::jsonb,
         open_ids = ARRAY(SELECT o.id FROM unnest(open_ids) WITH ORDINALITY o(id, n) WHERE o.id <> ALL ($2::uuid[]) ORDER BY o.n)
       WHERE id = $1`,
      [id, settled, leadIds, JSON.stringify(refused)],
    );
  }

  /** Rows that wait for their turn are left as they are. */
  async stopBulkAction(id: string, who: string): Promise<void> {
    await this.database.query(
      `WITH stopped AS (UPDATE ledger.bulk_actions SET open_ids = '{}' WHERE id = $1 AND open_ids <> '{}' RETURNING id, kind)
       SELECT ledger.record_act($2, 'stop-bulk-action', jsonb_build_object('id', id, 'kind', kind)) FROM stopped`,
      [id, who],
    );
  }

  /** The newest actions of the kind; they are kept for 30 days. */
  async listBulkActions(kind: BulkAction['kind'], limit: number): Promise<BulkActionSummary[]> {
    const { rows } = await this.database.query<BulkActionSummary>(
      `SELECT id, at, who, cardinality(open_ids) AS open,
         cardinality(open_ids) + cardinality(lead_ids) + jsonb_array_length(refused) AS rows
       FROM ledger.bulk_actions WHERE kind = $1 ORDER BY at DESC LIMIT $2`,
      [kind, limit],
    );
    return rows;
  }

  async findBulkAction(id: string): Promise<BulkActionProgress | null> {
    const { rows } = await this.database.query<BulkActionProgress>(
      `SELECT b.id, b.at, b.kind, b.who, b.filter, b.refused, b.per_second AS "perSecond", cardinality(b.open_ids) AS open,
         cardinality(b.lead_ids) AS "leadCount",
         coalesce((SELECT jsonb_object_agg(s.state, s.n) FROM (
           SELECT l.state, count(*)::int AS n FROM unnest(b.lead_ids) u(id) JOIN ledger.leads l ON l.id = u.id GROUP BY l.state
         ) s), '{}') AS states
       FROM ledger.bulk_actions b WHERE b.id = $1`,
      [id],
    );
    return rows[0] ? { ...rows[0], leads: await this.listBulkLeads(id, LISTED) } : null;
  }

  /** The leads of an action as they are now, dead letters first. */
  async listBulkLeads(id: string, limit: number): Promise<BulkLead[]> {
    const { rows } = await this.database.query<BulkLead>(
      `SELECT l.id, l.name, l.email, l.state, l.last_error->>'code' AS code FROM ledger.leads l
       WHERE l.id = ANY ((SELECT lead_ids FROM ledger.bulk_actions WHERE id = $1)::uuid[])
       ORDER BY l.state = 'dead' DESC, l.id LIMIT $2`,
      [id, limit],
    );
    return rows;
  }

  async pruneBulkActions(): Promise<void> {
    await this.database.query('DELETE FROM ledger.bulk_actions WHERE at < now() - make_interval(days => $1)', [KEPT_DAYS]);
  }
}
