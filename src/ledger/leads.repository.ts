import { Inject, Injectable } from '@nestjs/common';
import type { Enrichment } from '../domain/enrichment.js';
import type { CrmReference, Lead, LeadError, LeadEvent } from '../domain/lead.js';
import type { LeadState } from '../domain/lead-state.js';
import { EXACT_RECEIVED_AT, pageOf, type Cursor, type Page } from '../platform/database/cursor-pagination.js';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import {
  contentOf,
  CONTENT_COLUMNS,
  PROJECTION,
  projectionOf,
  type ContentRow,
  type Projection,
  type ProjectionRow,
} from './lead-content-sql.js';
import { MANY_OPEN } from './open-leads.repository.js';

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

/** One statement, so that the lead and its events are from the same moment. */
const WITH_EVENTS = `SELECT ${LEAD_COLUMNS}, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('seq', e.seq, 'at', e.at, 'kind', e.kind, 'detail', e.detail) ORDER BY e.seq), '[]')
    FROM ledger.events e WHERE e.lead_id = l.id
  ) AS events
  FROM ledger.leads l WHERE l.id = $1`;

export interface LeadFilter {
  state?: LeadState;
  /** Of a state that leads leave: how many are open, and since when one of this state is; null where none is. */
  open?: { count: number; since: Date | null };
  campaignId?: string;
  personKey?: string;
  /** The first hexadecimal digits of the id, at least four. */
  idPrefix?: string;
  /** Scored at this or above, 0 to 100. */
  minScore?: number;
  intent?: Enrichment['intent'];
  /** The user or queue of the CRM to which the routing rules, or a human since, gave the lead. */
  ownerId?: string;
  /** First received at or after this time, and before `to`; ISO 8601. */
  from?: string;
  to?: string;
  /** Part of the name or the company, case-insensitive. */
  q?: string;
  /** Order by time of receipt; default newest. */
  sort?: 'newest' | 'oldest';
}

/**
 * The most rows that a page reads. A filter without an index (minScore, intent, q) is applied to the rows that the
 * other filters return, in order. If too few match within this bound, the page is short and its cursor continues where
 * the scan stopped. A row costs about 3 µs, so a page comes within a tenth of a second.
 */
export const ROWS_PER_PAGE = 20_000;

/** The usual attributes for the company. The CRM's rule (src/crm/person-name.ts) knows more spellings. */
const COMPANY = `coalesce(l.attributes->>'company', l.attributes->>'Company', l.attributes->>'company_name', l.attributes->>'account', '')`;

/** A lead that came after the leads were counted is not older than this. */
const COUNTED_WITHIN_MS = 120_000;

interface ListStatement {
  /** The statement of a page. */
  text: string;
  values: unknown[];
  /**
   * Selects the row at which a short page stopped, or no row at the end of the list. Null where a short page is the
   * last.
   */
  stoppedAt: { text: string; values: unknown[] } | null;
}

export function listStatement(filter: LeadFilter, limit: number, after: Cursor | null): ListStatement {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const order = filter.sort === 'oldest' ? 'ASC' : 'DESC';
  const indexed = ['true'];
  // The leads of an owner are in the order of the list by an index of their own.
  const [from, receivedAt, id] =
    filter.ownerId === undefined
      ? ['ledger.leads l', 'l.received_at', 'l.id']
      : ['routing.lead_owners o JOIN ledger.leads l ON l.id = o.lead_id', 'o.lead_received_at', 'o.lead_id'];
  if (filter.ownerId !== undefined) indexed.push(`o.owner_id = ${bind(filter.ownerId)}`);
  // No index has open leads in the order of their receipt. A few are sorted; many are searched from the earliest on.
  const isOpen = filter.state === 'received' || filter.state === 'enriched';
  const searchedSince = isOpen && filter.open && filter.open.count > MANY_OPEN ? sinceOf(filter.open) : null;
  if (filter.state && searchedSince === null) indexed.push(`l.state = ${bind(filter.state)}`);
  if (searchedSince !== null) indexed.push(`${receivedAt} >= ${bind(searchedSince)}::timestamptz`);
  if (filter.campaignId) indexed.push(`l.campaign_id = ${bind(filter.campaignId)}`);
  if (filter.personKey) indexed.push(`l.person_key = decode(${bind(filter.personKey)}, 'hex')`);
  if (filter.idPrefix) {
    // As a range of the primary key, because a text comparison could not use its index.
    const digits = filter.idPrefix.replaceAll('-', '');
    indexed.push(`${id} BETWEEN ${bind(digits.padEnd(32, '0'))}::uuid AND ${bind(digits.padEnd(32, 'f'))}::uuid`);
  }
  if (filter.from) indexed.push(`${receivedAt} >= ${bind(filter.from)}::timestamptz`);
  if (filter.to) indexed.push(`${receivedAt} < ${bind(filter.to)}::timestamptz`);
  if (after) {
    const next = `(${bind(after.receivedAt)}::timestamptz, ${bind(after.id)}::uuid)`;
    indexed.push(`(${receivedAt}, ${id}) ${order === 'DESC' ? '<' : '>'} ${next}`);
  }
  const walk = `FROM ${from} WHERE ${indexed.join(' AND ')} ORDER BY ${receivedAt} ${order}, ${id} ${order}`;
  const walkValues = [...values];
  const searched: string[] = [];
  if (searchedSince !== null) searched.push(`l.state = ${bind(filter.state)}`);
  if (filter.minScore !== undefined) searched.push(`(l.enrichment->>'fitScore')::float >= ${bind(filter.minScore)}`);
  if (filter.intent) searched.push(`l.enrichment->>'intent' = ${bind(filter.intent)}`);
  if (filter.q)
    searched.push(`(coalesce(l.name, '') || ' ' || ${COMPANY}) ILIKE ${bind(`%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`)}`);
  const { campaignId, personKey, idPrefix, ownerId } = filter;
  if (isOpen && searched.length === 0 && [campaignId, personKey, idPrefix, ownerId].every((each) => each === undefined)) {
    return { text: fewOpen(indexed.join(' AND '), order, bind(limit)), stoppedAt: null, values };
  }
  if (searched.length === 0) {
    return { text: `SELECT ${LEAD_COLUMNS}, ${EXACT_RECEIVED_AT} ${walk} LIMIT ${bind(limit)}`, stoppedAt: null, values };
  }
  return {
    text: `SELECT ${LEAD_COLUMNS}, ${EXACT_RECEIVED_AT} FROM (SELECT l.* ${walk} LIMIT ${ROWS_PER_PAGE}) l
      WHERE ${searched.join(' AND ')} LIMIT ${bind(limit)}`,
    values,
    stoppedAt: { text: `SELECT l.id, ${EXACT_RECEIVED_AT} ${walk} OFFSET ${ROWS_PER_PAGE - 1} LIMIT 1`, values: walkValues },
  };
}

/** A plain statement may be planned as a walk through all leads in their order, which finds few open ones late. */
function fewOpen(condition: string, order: 'ASC' | 'DESC', limit: string): string {
  return `WITH open AS MATERIALIZED (SELECT l.id, l.received_at FROM ledger.leads l WHERE ${condition})
    SELECT ${LEAD_COLUMNS}, ${EXACT_RECEIVED_AT}
    FROM (SELECT id FROM open ORDER BY received_at ${order}, id ${order} LIMIT ${limit}) page JOIN ledger.leads l ON l.id = page.id
    ORDER BY l.received_at ${order}, l.id ${order}`;
}

function sinceOf({ since }: NonNullable<LeadFilter['open']>): string {
  return (since ?? new Date(Date.now() - COUNTED_WITHIN_MS)).toISOString();
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

/** Reads leads for operators and for the CRM's writes. */
@Injectable()
export class LeadsRepository {
  constructor(
    private readonly database: Database,
    @Inject(REPORT_DATABASE) private readonly reports: Database,
  ) {}

  /** One lead with its events, or null. */
  async findLead(id: string): Promise<{ lead: Lead; events: LeadEvent[] } | null> {
    const { rows } = await this.reports.query<LeadRow & { events: LeadEvent[] }>(WITH_EVENTS, [id]);
    const row = rows[0];
    if (!row) return null;
    return { lead: leadOf(row), events: row.events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })) };
  }

  /** A page of leads with keyset pagination, so that later pages cost no more. See ROWS_PER_PAGE for short pages. */
  async listLeads(filter: LeadFilter, limit: number, after: Cursor | null): Promise<Page<Lead>> {
    const { text, values, stoppedAt } = listStatement(filter, limit, after);
    const { rows } = await this.reports.query<LeadRow & { exact_received_at: string }>(text, values);
    const page = pageOf(rows, limit, leadOf);
    if (page.next || !stoppedAt) return page;
    const [stop] = (await this.reports.query<{ id: string; exact_received_at: string }>(stoppedAt)).rows;
    return { items: page.items, next: stop ? { receivedAt: stop.exact_received_at, id: stop.id } : null };
  }

  /** The current content of the person's Lead in the CRM; null where the person has been erased. */
  async findProjection(personKey: string): Promise<Projection | null> {
    const text = PROJECTION("decode($1, 'hex')");
    const { rows } = await this.database.query<ProjectionRow>({ name: 'find-projection', text, values: [personKey] });
    return rows[0] ? projectionOf(rows[0]) : null;
  }
}
