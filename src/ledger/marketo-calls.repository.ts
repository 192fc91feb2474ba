import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CONFIG } from '../platform/platform.module.js';
import { IgnoredAttributes } from './ignored-attributes.js';
import type { LeadToAccept } from './intake.repository.js';
import { MARKETO_ID } from './marketo-owed-sql.js';

/** What a call of our webhook came to, as far as the ledger knows. */
export const CALL_CLASSES = ['matched', 'answer-lost', 'missing', 'repaired', 'rejected', 'gone', 'erased', 'unusable'] as const;
export type CallClass = (typeof CALL_CLASSES)[number];

/** A call of our webhook as Marketo logged it. */
export interface WebhookCall {
  guid: string;
  marketoId: number;
  campaignId: number | null;
  at: Date;
  /** Marketo logged an error; the call may have arrived all the same. */
  failed: boolean;
}

export interface OpenCall extends WebhookCall {
  class: CallClass | null;
}

/**
 * A commit of a lead's content: what a call that arrived leaves behind. A repeat with the same content leaves nothing.
 */
export interface Acceptance {
  leadId: string;
  seq: number;
  campaignId: string;
  marketoId: number;
  at: Date;
}

export interface ComparedCall {
  guid: string;
  class: CallClass;
  /** Of a rejected one, the id of the rejection. */
  leadId: string | null;
  /** The event that it was matched with. */
  seq: number | null;
  /** Why it is missing and was not repaired, or is of no use. */
  reason: string | null;
}

/** A call that the ledger does not have, for lists. */
export interface MissingCall {
  marketoId: number;
  campaignId: number | null;
  at: Date;
  failed: boolean;
  leadId: string | null;
  reason: string | null;
}

/** After a call was read. A window may be older than that, and its calls must outlast its comparison. */
const KEPT_DAYS = 7;
const PRUNED_AT_ONCE = 10_000;

const ACCEPTANCES = `
SELECT * FROM (
  SELECT e.lead_id AS "leadId", e.seq, l.campaign_id AS "campaignId", (${MARKETO_ID('l')})::float AS "marketoId",
    CASE e.kind WHEN 'received' THEN l.received_at ELSE e.at END AS at
  FROM ledger.events e JOIN ledger.leads l ON l.id = e.lead_id
  WHERE e.at BETWEEN $1 AND $2 AND e.kind IN ('received', 'revised', 'late-content')
    AND NOT EXISTS (SELECT 1 FROM ledger.marketo_calls c WHERE c.lead_id = e.lead_id AND c.seq = e.seq)
) a WHERE "marketoId" IS NOT NULL`;

/**
 * Bodies may be anything, so the id is looked for in their bytes. A call that came to a rejection is kept with its id,
 * so that the rejection stands for no other call.
 */
const REJECTED = `
SELECT * FROM (
  SELECT id AS "leadId", 0 AS seq, '' AS "campaignId", received_at AS at,
    (regexp_match(encode(body, 'escape'), 'marketo_id[^0-9a-zA-Z]{0,6}([0-9]{1,15})'))[1]::float AS "marketoId"
  FROM ledger.rejections r WHERE received_at BETWEEN $1 AND $2 AND replayed_as IS NULL
    AND NOT EXISTS (SELECT 1 FROM ledger.marketo_calls c WHERE c.lead_id = r.id AND c.seq = 0)
) r WHERE "marketoId" IS NOT NULL`;

/**
 * Commits of leads with a Marketo id that no call of the log was matched with, nor stands for their lead; those of a
 * repair have no other call.
 */
const UNLOGGED = `
SELECT count(*)::int AS count FROM (
  SELECT e.lead_id, e.seq, (${MARKETO_ID('l')}) AS marketo_id
  FROM ledger.events e JOIN ledger.leads l ON l.id = e.lead_id
  WHERE e.at >= $1 AND e.at < $2 AND e.kind IN ('received', 'revised', 'late-content')
    AND NOT coalesce(e.detail->'notes', '[]') @> '[{"kind": "reconciliation"}]'
) a
WHERE marketo_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM ledger.marketo_calls c WHERE c.lead_id = a.lead_id AND c.seq = a.seq)
  AND NOT EXISTS (SELECT 1 FROM ledger.marketo_calls c WHERE c.marketo_id = a.marketo_id AND c.lead_id = a.lead_id)`;

const COMPARED = `
UPDATE ledger.marketo_calls c SET class = i.class, lead_id = i."leadId", seq = i.seq, reason = i.reason
FROM jsonb_to_recordset($1::jsonb) AS i (guid text, class text, "leadId" uuid, seq integer, reason text)
WHERE c.guid = i.guid`;

/**
 * Content that a lead would change, or a lead that is not there. Compares as the intake does. Where the address was
 * changed in Marketo since the call, the lead is that of the same Marketo id and campaign under the older address.
 */
const KNOWN = `
SELECT DISTINCT ON (i.id) i.id, l.id AS "leadId"
FROM jsonb_to_recordset($1::jsonb) AS i (id uuid, "marketoId" bigint, "campaignId" text, name text, attributes jsonb)
CROSS JOIN LATERAL (
  SELECT id, name, attributes FROM ledger.leads WHERE id = i.id
  UNION ALL
  SELECT o.id, o.name, o.attributes FROM ledger.marketo_updates u JOIN ledger.leads o ON o.person_key = u.person_key
  WHERE u.marketo_id = i."marketoId" AND o.campaign_id = i."campaignId" AND o.id <> i.id
    AND o.attributes->>'marketo_id' = i."marketoId"::text
    AND NOT EXISTS (SELECT 1 FROM ledger.leads same WHERE same.id = i.id)
) l
WHERE coalesce(i.name, l.name) IS NOT DISTINCT FROM l.name
  AND ledger.merge_attributes(l.attributes, i.attributes) - $2::text[] IS NOT DISTINCT FROM l.attributes - $2::text[]
ORDER BY i.id`;

/** Webhook calls of Marketo's log, and what the ledger has of them. */
@Injectable()
export class MarketoCallsRepository {
  private readonly ignored: IgnoredAttributes;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: Pick<Config, 'CONTENT_IGNORE'>,
  ) {
    this.ignored = new IgnoredAttributes(config.CONTENT_IGNORE);
  }

  /** Stores calls that are not known yet: windows overlap. */
  async store(calls: WebhookCall[]): Promise<void> {
    if (calls.length === 0) return;
    await this.database.query(
      `INSERT INTO ledger.marketo_calls (guid, marketo_id, campaign_id, at, failed)
       SELECT guid, "marketoId", "campaignId", at, failed
       FROM jsonb_to_recordset($1::jsonb) AS i (guid text, "marketoId" bigint, "campaignId" bigint, at timestamptz, failed boolean)
       ON CONFLICT (guid) DO NOTHING`,
      [JSON.stringify(calls)],
    );
  }

  /**
   * A page of calls of [from, to), oldest first: those that were not compared yet, or those that were not found.
   * @param after the last call of the page before.
   */
  async open(which: 'new' | 'missing', from: Date, to: Date, after: OpenCall | null, limit: number): Promise<OpenCall[]> {
    const { rows } = await this.database.query<OpenCall>(
      `SELECT guid, marketo_id::float AS "marketoId", campaign_id::float AS "campaignId", at, failed, class FROM ledger.marketo_calls
       WHERE (class IS NULL OR class = 'missing') AND (class IS NULL) = $1 AND at >= $2 AND at < $3
         AND ($4::timestamptz IS NULL OR (at, guid) > ($4, $5))
       ORDER BY at, guid LIMIT $6`,
      [which === 'new', from, to, after?.at ?? null, after?.guid ?? '', limit],
    );
    return rows;
  }

  /** Commits of content between the two times that no call was matched with. */
  async acceptances(from: Date, to: Date): Promise<Acceptance[]> {
    return (await this.database.query<Acceptance>(ACCEPTANCES, [from, to])).rows;
  }

  /** Requests that were refused for their content between the two times, as commits with the rejection's id. */
  async rejections(from: Date, to: Date): Promise<Acceptance[]> {
    return (await this.database.query<Acceptance>(REJECTED, [from, to])).rows;
  }

  /** How many commits of [from, to) with a Marketo id have no call in the log. */
  async countUnlogged(from: Date, to: Date): Promise<number> {
    return (await this.database.query<{ count: number }>(UNLOGGED, [from, to])).rows[0]!.count;
  }

  /** Of these people, when each was last erased here. */
  async erasures(ids: number[]): Promise<Map<number, Date>> {
    const { rows } = await this.database.query<{ id: number; at: Date }>(
      `SELECT marketo_id::float AS id, max(at) AS at FROM ledger.marketo_erasures
       WHERE marketo_id = ANY($1::bigint[]) GROUP BY marketo_id`,
      [ids],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** Of the people with these keys, when each was last erased here. */
  async erasuresOf(personKeys: string[]): Promise<Map<string, Date>> {
    const { rows } = await this.database.query<{ key: string; at: Date }>(
      `SELECT key, max(at) AS at FROM unnest($1::text[]) key
       JOIN ledger.marketo_erasures e ON e.person_hash = sha256(decode(key, 'hex')) GROUP BY key`,
      [personKeys],
    );
    return new Map(rows.map(({ key, at }) => [key, at]));
  }

  /**
   * Leads whose content would not change, with the id of the lead that has it. Another Marketo id alone is no change:
   * after a merge, the calls of the record that is gone are those of the surviving one.
   */
  async known(
    leads: (Pick<LeadToAccept, 'id' | 'campaignId' | 'name' | 'attributes'> & { marketoId: number })[],
  ): Promise<Map<string, string>> {
    if (leads.length === 0) return new Map();
    const ignored = [...this.ignored.namesIn(leads), 'marketo_id'];
    const { rows } = await this.database.query<{ id: string; leadId: string }>(KNOWN, [JSON.stringify(leads), ignored]);
    return new Map(rows.map(({ id, leadId }) => [id, leadId]));
  }

  async record(calls: ComparedCall[]): Promise<void> {
    if (calls.length > 0) await this.database.query(COMPARED, [JSON.stringify(calls)]);
  }

  /** Missing calls whose lead has content of after the call: it was sent again. */
  async settleArrived(): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_calls c SET class = 'matched', reason = NULL FROM ledger.leads l
       WHERE c.class = 'missing' AND l.id = c.lead_id AND l.content_at > c.at`,
    );
  }

  /** What the template sent for these campaigns of Marketo. */
  async learnCampaigns(pairs: { campaignId: number; sentAs: string }[]): Promise<void> {
    if (pairs.length === 0) return;
    await this.database.query(
      `INSERT INTO ledger.marketo_campaigns (campaign_id, sent_as)
       SELECT DISTINCT "campaignId", "sentAs" FROM jsonb_to_recordset($1::jsonb) AS i ("campaignId" bigint, "sentAs" text)
       ON CONFLICT (campaign_id, sent_as) DO UPDATE SET seen_at = now()`,
      [JSON.stringify(pairs)],
    );
  }

  async campaigns(): Promise<{ campaignId: number; sentAs: string }[]> {
    const { rows } = await this.database.query<{ campaignId: number; sentAs: string }>(
      'SELECT campaign_id::float AS "campaignId", sent_as AS "sentAs" FROM ledger.marketo_campaigns ORDER BY seen_at DESC LIMIT 10000',
    );
    return rows;
  }

  /** Calls of [from, to) by class. */
  async countClasses(from: Date, to: Date): Promise<Record<string, number>> {
    const { rows } = await this.database.query<{ class: string; count: number }>(
      `SELECT class, count(*)::int AS count FROM ledger.marketo_calls
       WHERE at >= $1 AND at < $2 AND class IS NOT NULL GROUP BY class ORDER BY class`,
      [from, to],
    );
    return Object.fromEntries(rows.map((row) => [row.class, row.count]));
  }

  /** Calls of the last days that the ledger does not have; the alert is about these. */
  async countMissing(): Promise<{ count: number; oldest: Date | null }> {
    const { rows } = await this.database.query<{ count: number; oldest: Date | null }>(
      `SELECT count(*)::int AS count, min(at) AS oldest FROM ledger.marketo_calls WHERE class = 'missing'`,
    );
    return rows[0]!;
  }

  async missing(limit: number): Promise<MissingCall[]> {
    const { rows } = await this.database.query<MissingCall>(
      `SELECT marketo_id::float AS "marketoId", campaign_id::float AS "campaignId", at, failed, lead_id AS "leadId", reason
       FROM ledger.marketo_calls WHERE class = 'missing' ORDER BY at DESC LIMIT $1`,
      [limit],
    );
    return rows;
  }

  async prune(): Promise<void> {
    await this.database.query(
      `DELETE FROM ledger.marketo_calls WHERE guid IN (
         SELECT guid FROM ledger.marketo_calls WHERE stored_at < now() - interval '${KEPT_DAYS} days'
         ORDER BY stored_at LIMIT ${PRUNED_AT_ONCE})`,
    );
    await this.database.query("DELETE FROM ledger.marketo_campaigns WHERE seen_at < now() - interval '90 days'");
  }
}
