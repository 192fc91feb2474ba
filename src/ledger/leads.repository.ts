import { Injectable } from '@nestjs/common';
import type { Enrichment } from '../domain/enrichment.js';
import type { CrmReference, Lead, LeadError, LeadEvent } from '../domain/lead.js';
import type { LeadState } from '../domain/lead-state.js';
import { EXACT_RECEIVED_AT, pageOf, type Cursor, type Page } from '../platform/database/cursor-pagination.js';
import { Database } from '../platform/database/database.js';
import {
  contentOf,
  CONTENT_COLUMNS,
  PROJECTION,
  projectionOf,
  type ContentRow,
  type Projection,
  type ProjectionRow,
} from './lead-content-sql.js';

const LEAD_COLUMNS = `${CONTENT_COLUMNS('l')}, l.state, l.epoch, l.enrichment_attempts, l.crm_sync_attempts, l.enrichment, l.crm,
  l.last_error, l.next_attempt_at, l.received_at, l.content_at, l.enriched_at, l.synced_at,
  CASE WHEN isfinite(l.rescore_at) THEN l.rescore_at END AS rescore_at, l.rescore_at = 'infinity' AS rescore_given_up`;

interface LeadRow extends ContentRow {
  state: LeadState;
  epoch: number;
  enrichment_attempts: number;
  crm_sync_attempts: number;
  enrichment: Enrichment | null;
  crm: CrmReference | null;
  last_error: LeadError | null;
  next_attempt_at: Date | null;
  received_at: Date;
  content_at: Date;
  enriched_at: Date | null;
  synced_at: Date | null;
  rescore_at: Date | null;
  rescore_given_up: boolean;
}

/** One statement, so that the lead and its trail are of one moment. */
const WITH_EVENTS = `SELECT ${LEAD_COLUMNS}, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('seq', e.seq, 'at', e.at, 'kind', e.kind, 'detail', e.detail) ORDER BY e.seq), '[]')
    FROM ledger.events e WHERE e.lead_id = l.id
  ) AS events
  FROM ledger.leads l WHERE l.id = $1`;

export interface LeadFilter {
  state?: LeadState;
  campaignId?: string;
  personKey?: string;
  /** The first hexadecimal digits of the id, at least four. */
  idPrefix?: string;
}

function leadOf(row: LeadRow): Lead {
  return {
    ...contentOf(row),
    state: row.state,
    epoch: row.epoch,
    attempts: { enrichment: row.enrichment_attempts, 'crm-sync': row.crm_sync_attempts },
    enrichment: row.enrichment,
    crm: row.crm,
    lastError: row.last_error,
    nextAttemptAt: iso(row.next_attempt_at),
    receivedAt: row.received_at.toISOString(),
    contentAt: row.content_at.toISOString(),
    enrichedAt: iso(row.enriched_at),
    syncedAt: iso(row.synced_at),
    rescore: { dueAt: iso(row.rescore_at), givenUp: row.rescore_given_up },
  };
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

/** Leads as operators and the CRM's writer read them. */
@Injectable()
export class LeadsRepository {
  constructor(private readonly database: Database) {}

  /** One lead with its audit trail, or null. */
  async findLead(id: string): Promise<{ lead: Lead; events: LeadEvent[] } | null> {
    const { rows } = await this.database.query<LeadRow & { events: LeadEvent[] }>(WITH_EVENTS, [id]);
    const row = rows[0];
    if (!row) return null;
    return { lead: leadOf(row), events: row.events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })) };
  }

  /** A page of leads, newest first. Keyset pagination: the cost of a page does not grow with its number. */
  async listLeads(filter: LeadFilter, limit: number, after: Cursor | null): Promise<Page<Lead>> {
    const values: unknown[] = [];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const conditions = ['true'];
    if (filter.state) conditions.push(`l.state = ${bind(filter.state)}`);
    if (filter.campaignId) conditions.push(`l.campaign_id = ${bind(filter.campaignId)}`);
    if (filter.personKey) conditions.push(`l.person_key = decode(${bind(filter.personKey)}, 'hex')`);
    if (filter.idPrefix) {
      // A range of the primary key, which a comparison of text would not be.
      const digits = filter.idPrefix.replaceAll('-', '');
      conditions.push(`l.id BETWEEN ${bind(digits.padEnd(32, '0'))}::uuid AND ${bind(digits.padEnd(32, 'f'))}::uuid`);
    }
    if (after) conditions.push(`(l.received_at, l.id) < (${bind(after.receivedAt)}::timestamptz, ${bind(after.id)}::uuid)`);
    const { rows } = await this.database.query<LeadRow & { exact_received_at: string }>(
      `SELECT ${LEAD_COLUMNS}, ${EXACT_RECEIVED_AT} FROM ledger.leads l WHERE ${conditions.join(' AND ')}
       ORDER BY l.received_at DESC, l.id DESC LIMIT ${bind(limit)}`,
      values,
    );
    return pageOf(rows, limit, leadOf);
  }

  /** What the CRM's Lead shows of the person now; null where the person has been erased. */
  async findProjection(personKey: string): Promise<Projection | null> {
    const text = PROJECTION("decode($1, 'hex')");
    const { rows } = await this.database.query<ProjectionRow>({ name: 'find-projection', text, values: [personKey] });
    return rows[0] ? projectionOf(rows[0]) : null;
  }
}
