import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../domain/error-catalog.js';
import { Database } from '../platform/database/database.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { PROJECTION, projectionOf, type Projection, type ProjectionRow } from './lead-content-sql.js';
import { COLLECT, FACTS, OTHER_FACTS, OWE } from './marketo-owed-sql.js';

/** Values of a person's fields by Marketo's names; null clears a field. */
export type MarketoValues = Record<string, string | number | boolean | null>;

/** What is known of a person beside the score; absent where it is not. */
export interface PersonFacts {
  ownerId?: string;
  ownerName?: string;
  ownerEmail?: string;
  /** The newest outcome; that a human was in touch counts only where there is no other. */
  outcome?: string;
  /** ISO 8601. */
  outcomeAt?: string;
}

/** A person whose newest score Marketo does not show yet. */
export interface OwedUpdate {
  personKey: string;
  marketoId: number | null;
  byEmail: boolean;
  /** The version that is owed; that of the projection may be newer. */
  version: number;
  /** What Marketo was sent before, by its names of the fields; null where it is not known what it shows. */
  sent: MarketoValues;
  /** Another row with the same Marketo id has a newer score. */
  superseded: boolean;
  /** null where the ledger has no scored lead of the person any more. */
  projection: Projection | null;
  scoredAt: Date | null;
  /** null where nothing is known. */
  facts: PersonFacts | null;
}

/** What became of one person of a call. */
export interface SettledUpdate {
  personKey: string;
  /** Of the projection that was sent. */
  version: number;
  state: 'owed' | 'sent' | 'skipped' | 'dead';
  fields: MarketoValues;
  /** Those that the fields were made of. */
  facts: PersonFacts | null;
  marketoId: number | null;
  byEmail: boolean;
  code: string | null;
  message: string | null;
}

interface OwedRow {
  person_key: string;
  marketo_id: string | null;
  by_email: boolean;
  version: string;
  sent: MarketoValues;
  superseded: boolean;
  projection: ProjectionRow | null;
  scored_at: Date | null;
  facts: PersonFacts | null;
}

/** An event has its time before its commit, so each look overlaps the one before. */
const OVERLAP_SECONDS = { narrow: 5, wide: 90 };
/** Events of one look at most, in time. */
const SLICE_SECONDS = 600;

export const DUE_UPDATE = `state = 'owed' AND due_at <= now() AND (held_until IS NULL OR held_until <= now())`;

/** The record of this id was shown to be the person's, or is looked for by the address. */
const IDENTIFIED = '(marketo_id IS NULL OR by_email OR verified_id IS NOT DISTINCT FROM marketo_id)';

const TAKE = `
SELECT encode(u.person_key, 'hex') AS person_key, u.marketo_id, u.by_email, u.version, u.sent, u.facts,
  EXISTS (SELECT 1 FROM ledger.marketo_updates o WHERE o.marketo_id = u.marketo_id AND o.verified_id = o.marketo_id
    AND o.version > u.version AND o.person_key <> u.person_key) AS superseded,
  to_jsonb(p) AS projection, s.enriched_at AS scored_at
FROM (SELECT * FROM ledger.marketo_updates WHERE ${DUE_UPDATE} AND ${IDENTIFIED} ORDER BY due_at LIMIT $1) u
LEFT JOIN LATERAL (${PROJECTION('u.person_key')}) p ON true
LEFT JOIN ledger.leads s ON s.id = p.id`;

/**
 * A row that has a newer version or other facts meanwhile stays owed. Where a newer version was written by another
 * process before the answer of this call came, nothing tells which of the two Marketo shows: all fields are written
 * again. So they are where the record of the id is gone: the one that the e-mail leads to may show none of them. A
 * person who was erased meanwhile has no row: the fields that were just written are cleared.
 */
const SETTLE = `
WITH i AS (
  SELECT decode(r.person_key, 'hex') AS person_key, r.version, r.state, r.fields, r.facts, r.marketo_id, r.by_email, r.code, r.message
  FROM jsonb_to_recordset($1::jsonb) AS r (person_key text, version bigint, state text, fields jsonb, facts jsonb,
    marketo_id bigint, by_email boolean, code text, message text)
), done AS (
  UPDATE ledger.marketo_updates u SET
    state = CASE WHEN greatest(u.version, u.sent_version) > i.version OR u.facts IS DISTINCT FROM i.facts THEN 'owed'
      ELSE i.state END,
    sent = CASE WHEN u.sent_version > i.version OR (i.by_email AND NOT u.by_email) THEN '{}' WHEN i.state = 'sent' THEN u.sent || i.fields ELSE u.sent END,
    sent_version = CASE WHEN i.state = 'sent' THEN greatest(u.sent_version, i.version) ELSE u.sent_version END,
    version = greatest(u.version, i.version),
    marketo_id = coalesce(i.marketo_id, u.marketo_id), by_email = i.by_email, held_until = NULL,
    verified_id = CASE WHEN i.state = 'sent' AND NOT i.by_email THEN coalesce(i.marketo_id, u.verified_id) ELSE u.verified_id END,
    due_at = now(),
    last_code = i.code, last_message = i.message, settled_at = now()
  FROM i WHERE u.person_key = i.person_key
  RETURNING u.person_key
)
INSERT INTO ledger.marketo_erasures (marketo_id, fields)
SELECT i.marketo_id, ARRAY(SELECT jsonb_object_keys(i.fields)) FROM i
WHERE i.state = 'sent' AND i.fields <> '{}' AND i.marketo_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM done d WHERE d.person_key = i.person_key)`;

const PRUNE = `
WITH page AS (
  SELECT person_key, state FROM ledger.marketo_updates WHERE person_key > decode($1, 'hex') ORDER BY person_key LIMIT $2
), gone AS (
  DELETE FROM ledger.marketo_updates u USING page
  WHERE u.person_key = page.person_key AND page.state <> 'owed'
    AND NOT EXISTS (SELECT 1 FROM ledger.leads l WHERE l.person_key = page.person_key)
)
SELECT encode(person_key, 'hex') AS last FROM page ORDER BY person_key DESC LIMIT 1`;

const BACKFILL_PAGE = `
WITH page AS (
  SELECT DISTINCT person_key FROM ledger.leads WHERE person_key > decode($1, 'hex') ORDER BY person_key LIMIT $2
)`;
const BACKFILL_WHERE = `excluded.version > u.version OR (${OTHER_FACTS}) OR ($3::boolean AND u.state IN ('dead', 'skipped'))`;
const BACKFILL_OWED = `SELECT 1 FROM page k
  CROSS JOIN LATERAL (SELECT p.version, f.facts FROM (${PROJECTION('k.person_key')}) p, (${FACTS('k.person_key')}) f) excluded
  LEFT JOIN ledger.marketo_updates u ON u.person_key = k.person_key WHERE u.person_key IS NULL OR ${BACKFILL_WHERE}`;

/** People whose score could not be written, by state and error code. */
export interface EndedUpdates {
  state: 'skipped' | 'dead';
  code: ErrorCode | null;
  count: number;
}

export interface BackfillPage {
  /** People looked at. */
  people: number;
  /** Those whose score is owed now, or would be in a dry run. */
  owed: number;
  /** The key that the next page begins after; null on the last. */
  next: string | null;
}

/** Scores on their way to Marketo: one row per person, and the newest version wins. */
@Injectable()
export class MarketoUpdatesRepository {
  constructor(private readonly database: Database) {}

  /**
   * Owes the scores since the last look, and those of people whose owner or outcome is another. The first look of all
   * begins now: older scores are owed by a backfill.
   * @param overlap how far it looks back behind the end of the last look; a wide one each minute finds late commits.
   * @returns whether more scores may wait at once.
   */
  async collect(overlap: 'narrow' | 'wide' = 'wide'): Promise<boolean> {
    const { rows } = await this.database.query<{ from: string | null; to: string; more: boolean }>(
      `SELECT (position - interval '${OVERLAP_SECONDS[overlap]} seconds')::text AS from,
         least(clock_timestamp(), position + interval '${SLICE_SECONDS} seconds')::text AS to,
         coalesce(position + interval '${SLICE_SECONDS} seconds' < now(), false) AS more
       FROM ledger.marketo_stages WHERE stage = 'marketo-sync'`,
    );
    // As texts: a Date would cut the microseconds.
    const { from, to, more } = rows[0]!;
    if (from) await this.database.query({ name: 'marketo-collect', text: COLLECT, values: [from, to] });
    await this.database.query(`UPDATE ledger.marketo_stages SET position = $1 WHERE stage = 'marketo-sync'`, [to]);
    return more;
  }

  /** How many are due, counted up to `limit`, and for how long the oldest of them has been owed. */
  async due(limit: number): Promise<{ count: number; oldestMs: number }> {
    const { rows } = await this.database.query<{ count: number; oldestMs: number | null }>(
      `SELECT count(*)::int AS count, (extract(epoch FROM clock_timestamp() - min(owed_at)) * 1000)::float AS "oldestMs"
       FROM (SELECT owed_at FROM ledger.marketo_updates WHERE ${DUE_UPDATE} ORDER BY due_at LIMIT $1) d`,
      [limit],
    );
    return { count: rows[0]!.count, oldestMs: rows[0]!.oldestMs ?? 0 };
  }

  /** How many are owed, held ones included, and since when the oldest of them. */
  async owed(): Promise<{ count: number; oldest: Date | null }> {
    const { rows } = await this.database.query<{ count: number; oldest: Date | null }>(
      `SELECT count(*)::int AS count, min(owed_at) AS oldest FROM ledger.marketo_updates WHERE state = 'owed'`,
    );
    return rows[0]!;
  }

  async ended(): Promise<EndedUpdates[]> {
    const { rows } = await this.database.query<EndedUpdates>(
      `SELECT state, last_code AS code, count(*)::int AS count FROM ledger.marketo_updates
       WHERE state IN ('skipped', 'dead') GROUP BY state, last_code ORDER BY count(*) DESC, last_code`,
    );
    return rows;
  }

  /** Those that are due, with what Marketo should show now. The caller has the lease of the task. */
  async take(limit: number): Promise<OwedUpdate[]> {
    const { rows } = await this.database.query<OwedRow>({ name: 'marketo-take', text: TAKE, values: [limit] });
    return rows.map((row) => ({
      personKey: row.person_key,
      marketoId: row.marketo_id === null ? null : Number(row.marketo_id),
      byEmail: row.by_email,
      version: Number(row.version),
      sent: row.sent,
      superseded: row.superseded,
      projection: row.projection && projectionOf(row.projection),
      scoredAt: row.scored_at,
      facts: row.facts,
    }));
  }

  async settle(updates: SettledUpdate[]): Promise<void> {
    if (updates.length === 0) return;
    const records = updates.map(({ personKey, marketoId, byEmail, ...rest }) => ({
      ...rest,
      person_key: personKey,
      marketo_id: marketoId,
      by_email: byEmail,
    }));
    await ioBoundary('ledger.marketo-settle', undefined, () =>
      this.database.query({ name: 'marketo-settle', text: SETTLE, values: [JSON.stringify(records)] }),
    );
  }

  /**
   * Before a call: whatever comes of it, Marketo may show other values of these fields than it was sent before. So they
   * are written again, even with an older value, unless the call is settled; and an erasure clears them.
   */
  async expect(people: { personKey: string; fields: string[] }[]): Promise<void> {
    await this.database.query({
      name: 'marketo-expect',
      text: `UPDATE ledger.marketo_updates u SET sent = u.sent || i.unknown
        FROM (
          SELECT decode("personKey", 'hex') AS person_key, (SELECT jsonb_object_agg(name, null) FROM unnest(fields) name) AS unknown
          FROM jsonb_to_recordset($1::jsonb) AS r ("personKey" text, fields text[])
        ) i WHERE u.person_key = i.person_key`,
      values: [JSON.stringify(people)],
    });
  }

  /** No call with these people before `holdMs` have passed: Marketo may still be executing one. */
  async hold(personKeys: string[], holdMs: number): Promise<void> {
    await this.database.query(
      `UPDATE ledger.marketo_updates SET held_until = clock_timestamp() + make_interval(secs => $2 / 1000.0)
       WHERE person_key IN (SELECT decode(key, 'hex') FROM unnest($1::text[]) key)`,
      [personKeys, holdMs],
    );
  }

  /** The ledger has no scored lead of these people any more. */
  async remove(personKeys: string[]): Promise<void> {
    const text = `DELETE FROM ledger.marketo_updates WHERE person_key IN (SELECT decode(key, 'hex') FROM unnest($1::text[]) key)`;
    if (personKeys.length > 0) await this.database.query(text, [personKeys]);
  }

  /**
   * Owes the scores of a page of people that Marketo does not show, in the order of their keys; start with the empty
   * key. `retry`: those that were refused or not found are tried again.
   */
  async backfill(after: string, limit: number, retry: boolean, dryRun: boolean): Promise<BackfillPage> {
    const { rows } = await this.database.query<{ people: number; owed: number; next: string | null }>(
      `${BACKFILL_PAGE}, owed AS (${dryRun ? BACKFILL_OWED : `${OWE('page', BACKFILL_WHERE)} RETURNING 1`})
       SELECT (SELECT count(*)::int FROM page) AS people, (SELECT count(*)::int FROM owed) AS owed,
         (SELECT encode(person_key, 'hex') FROM page ORDER BY person_key DESC LIMIT 1) AS next`,
      [after, limit, retry],
    );
    const { people, owed, next } = rows[0]!;
    return { people, owed, next: people < limit ? null : next };
  }

  /**
   * Removes rows of people whose leads the retention has removed, a page of keys at a time. @returns the last key, or
   * null.
   */
  async prune(after: string, limit: number): Promise<string | null> {
    const { rows } = await this.database.query<{ last: string }>(PRUNE, [after, limit]);
    return rows[0]?.last ?? null;
  }
}
