import { Inject, Injectable } from '@nestjs/common';
import { LEADS_PER_JOB, newJobIdPrefix } from '../domain/lead-jobs.js';
import type { LeadContent, LeadError } from '../domain/lead.js';
import type { LeadState, Stage } from '../domain/lead-state.js';
import { pageOf, type Cursor, type Page } from '../platform/database/cursor-pagination.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CONFIG } from '../platform/platform.module.js';
import { BulkActionsRepository, type OpenRows } from './bulk-actions.repository.js';
import { acceptLeads, type AcceptedLead, type LeadToAccept } from './intake.repository.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-content-sql.js';
import { FORGET_SCORE, RAISE_FENCE, RESET_CLAIM, TOUCH_AND_NUMBER_EVENT, writeEvents } from './lead-update-sql.js';
import { OPEN_LEAD_COLUMNS, type OpenLead } from './open-leads.repository.js';

/** A dead letter and its error. Times are ISO 8601 in UTC. */
export interface DeadLetter extends LeadContent, LeadError {
  attempts: number;
  diedAt: string;
}

interface Row extends ContentRow {
  last_error: LeadError;
  attempts: number;
  died_at: Date;
  exact_received_at: string;
}

/** Which dead letters by their error. */
export interface DeadLetterCause {
  code?: string | undefined;
  /** That of a DeadLetterGroup; empty: those without one. */
  signature?: string | undefined;
}

export interface DeadLetterFilter extends DeadLetterCause {
  id?: string | undefined;
}

/** The parameters are the code and the signature; each is null where it does not matter. */
const hasCause = (code: string, signature: string, error = 'last_error') =>
  `(${code}::text IS NULL OR ${error}->>'code' = ${code})
  AND (${signature}::text IS NULL OR coalesce(${error}->>'signature', '') = ${signature})`;

/** Dead letters with the same error. */
export interface DeadLetterGroup {
  stage: Stage;
  code: string;
  class: string;
  signature: string | null;
  count: number;
  oldest: Date;
  newest: Date;
  /** The id of one lead of the group. */
  example: string;
}

export interface Replay extends DeadLetterFilter {
  limit: number;
  /** Leads per second; null: all at once. */
  perSecond: number | null;
  /** The operator's name. */
  by: string;
}

export interface Correction {
  id: string;
  name: string | null;
  attributes: Record<string, string>;
  /** The operator's name. */
  by: string;
}

export const LIST_DEAD_LETTERS = `
SELECT ${CONTENT_COLUMNS('l')}, l.last_error, l.died_at,
  CASE l.last_error->>'stage' WHEN 'enrichment' THEN l.enrichment_attempts ELSE l.crm_sync_attempts END AS attempts,
  to_char(l.died_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS exact_received_at
FROM ledger.leads l
WHERE l.state = 'dead' AND ($1::uuid IS NULL OR l.id = $1) AND ${hasCause('$2', '$6', 'l.last_error')}
  AND ($3::timestamptz IS NULL OR (l.died_at, l.id) < ($3::timestamptz, $4::uuid))
ORDER BY l.died_at DESC, l.id DESC LIMIT $5`;

export const GROUP_DEAD_LETTERS = `
SELECT last_error->>'stage' AS stage, last_error->>'code' AS code, last_error->>'class' AS class,
  last_error->>'signature' AS signature, count(*)::int AS count, min(died_at) AS oldest, max(died_at) AS newest,
  (array_agg(id ORDER BY died_at DESC))[1] AS example
FROM ledger.leads WHERE state = 'dead' GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, 2`;

/**
 * The times are stored in the rows, so the rate survives a loss of the queue and a restart. A lead that has a score
 * keeps it, unless it was edited since. $6 leads with neighbouring places share a job; $7 is the beginning of job ids.
 */
const REPLAY = `
WITH chosen AS (
  SELECT id, died_at, last_error FROM ledger.leads
  WHERE state = 'dead' AND ($1::uuid[] IS NULL OR id = ANY ($1)) AND ${hasCause('$2', '$8')}
  ORDER BY died_at, id LIMIT $3
  FOR UPDATE SKIP LOCKED
), placed AS (
  SELECT id, last_error, row_number() OVER (ORDER BY died_at, id) - 1 AS place FROM chosen
), done AS (
  UPDATE ledger.leads l
  SET state = CASE WHEN l.enrichment IS NULL OR p.last_error->>'stage' = 'enrichment' THEN 'received' ELSE 'enriched' END,
      enrichment_attempts = 0, crm_sync_attempts = 0, last_error = NULL, first_scoring_at = NULL,
      epoch = l.epoch + 1, low_priority = true, died_at = NULL,
      job_id = ($7 || lpad(to_hex(p.place / $6::int), 12, '0'))::uuid,
      next_attempt_at = CASE WHEN $4::float IS NOT NULL THEN now() + make_interval(secs => p.place / $4) END,
      ${RAISE_FENCE}, ${RESET_CLAIM}, ${TOUCH_AND_NUMBER_EVENT}
  FROM placed p WHERE l.id = p.id
  RETURNING l.id, l.epoch, l.state, l.content_at, l.next_attempt_at, l.low_priority, l.job_id, l.event_seq, p.last_error AS died_of
), audited AS (${writeEvents(
  `'replayed'`,
  `jsonb_build_object('by', $5::text, 'stage', died_of->>'stage', 'code', died_of->>'code', 'dueAt', next_attempt_at)`,
)})
SELECT ${OPEN_LEAD_COLUMNS} FROM done l`;

/** A replay of many leads at a rate: those that are due within this time share a job. */
const SECONDS_PER_JOB = 0.1;

/** Corrected content is a revision, but the lead stays a dead letter until it is replayed. */
const EDIT = `
WITH done AS (
  UPDATE ledger.leads l
  SET name = $2, attributes = $3::jsonb, revision = l.revision + 1, ${RAISE_FENCE}, ${FORGET_SCORE},
      content_at = greatest(now(), l.content_at + interval '1 microsecond'), ${TOUCH_AND_NUMBER_EVENT}
  FROM (SELECT id, jsonb_build_object('name', name, 'attributes', attributes) AS content
        FROM ledger.leads WHERE id = $1 AND state = 'dead' FOR NO KEY UPDATE) before
  WHERE l.id = before.id
  RETURNING l.id, l.event_seq, l.revision, l.name, l.attributes, before.content AS before
), audited AS (${writeEvents(
  `'edited'`,
  `jsonb_build_object('by', $4::text, 'revision', revision, 'changed', ledger.changed_fields(before, name, attributes))`,
)})
SELECT revision FROM done`;

const DISCARD = `
WITH done AS (
  UPDATE ledger.leads l
  SET state = 'discarded', died_at = NULL, ${RAISE_FENCE}, ${TOUCH_AND_NUMBER_EVENT}
  WHERE l.id = $1 AND l.state = 'dead'
  RETURNING l.id, l.event_seq
), audited AS (${writeEvents(`'discarded'`, `jsonb_build_object('by', $3::text, 'reason', $2::text)`)})
SELECT id FROM done`;

/** Lists, corrects, replays and discards dead letters. */
@Injectable()
export class DeadLettersRepository {
  constructor(
    private readonly database: Database,
    private readonly bulkActions: BulkActionsRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CONTENT_IGNORE'>,
  ) {}

  /** A page, newest dead letter first. The cursor's time is the time of the last failure. */
  async listDeadLetters(
    { id, code, signature }: DeadLetterFilter,
    limit: number,
    after: Cursor | null,
  ): Promise<Page<DeadLetter>> {
    const values = [id ?? null, code ?? null, after?.receivedAt ?? null, after?.id ?? null, limit, signature ?? null];
    const { rows } = await this.database.query<Row>(LIST_DEAD_LETTERS, values);
    return pageOf(rows, limit, (row) => ({
      ...contentOf(row),
      ...row.last_error,
      attempts: row.attempts,
      diedAt: row.died_at.toISOString(),
    }));
  }

  async groupDeadLetters(): Promise<DeadLetterGroup[]> {
    return (await this.database.query<DeadLetterGroup>(GROUP_DEAD_LETTERS)).rows;
  }

  /** dead → received or enriched, oldest dead letter first. @returns the leads that need a job. */
  async replayDeadLetters({ id, ...replay }: Replay): Promise<OpenLead[]> {
    const values = replayValues({ ids: id === undefined ? null : [id], ...replay });
    return (await this.database.query<OpenLead>(REPLAY, values)).rows;
  }

  /** The oldest dead letters first, as a replay takes them. */
  async deadLetterIds({ code, signature }: DeadLetterCause, limit: number): Promise<string[]> {
    const { rows } = await this.database.query<{ id: string }>(
      `SELECT id FROM ledger.leads WHERE state = 'dead' AND ${hasCause('$1', '$3')} ORDER BY died_at, id LIMIT $2`,
      [code ?? null, limit, signature ?? null],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Replays these rows of a bulk action and settles them in the same transaction, so that no crash repeats or omits
   * one. A row that another transaction has locked keeps its place. A lead that has another error by now is refused. An
   * erased lead is not named any more.
   * @returns the leads that need a job.
   */
  replayOpenRows({ id, who, filter, rows }: OpenRows): Promise<OpenLead[]> {
    const [code, signature] = ['code', 'signature'].map((name) => textOf(filter[name]));
    return this.database.transaction(async (transaction) => {
      const values = replayValues({ ids: rows, code, signature, limit: rows.length, perSecond: null, by: who });
      const leads = (await transaction.query<OpenLead>(REPLAY, values)).rows;
      const { rows: found } = await transaction.query<{ id: string; open: boolean }>(
        `SELECT id, state = 'dead' AND ${hasCause('$2', '$3')} AS open FROM ledger.leads WHERE id = ANY ($1::uuid[])`,
        [rows, code ?? null, signature ?? null],
      );
      const openOf = new Map(found.map((row) => [row.id, row.open]));
      const leadIds = leads.map(({ leadId }) => leadId);
      const replayed = new Set(leadIds);
      const settled = rows.filter((row) => openOf.get(row) !== true);
      const refused = settled
        .filter((row) => openOf.has(row) && !replayed.has(row))
        .map((row) => ({ id: row, code: 'NOT_FOUND', detail: 'It is no dead letter of this action any more.' }));
      await this.bulkActions.settleRows(id, { settled, leadIds, refused }, transaction);
      return leads;
    });
  }

  /**
   * Replaces name and attributes of a dead letter.
   * @returns the new revision; null where the lead is no dead letter.
   */
  async editDeadLetter({ id, name, attributes, by }: Correction): Promise<number | null> {
    const { rows } = await this.database.query<{ revision: number }>(EDIT, [id, name, JSON.stringify(attributes), by]);
    return rows[0]?.revision ?? null;
  }

  /**
   * Stores the corrected lead, which has a new key, and discards the dead letter, in one transaction.
   * @returns null where the lead is no dead letter; then nothing was stored.
   */
  replaceDeadLetter(id: string, lead: LeadToAccept, by: string): Promise<AcceptedLead | null> {
    return this.database.transaction(async (transaction) => {
      const lock = `SELECT id, state FROM ledger.leads WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
      const { rows } = await transaction.query<{ id: string; state: LeadState }>(lock, [[id, lead.id]]);
      if (!rows.some((row) => row.id === id && row.state === 'dead')) return null;
      const [accepted] = await acceptLeads(transaction, [lead], this.config.CONTENT_IGNORE, false);
      await transaction.query(DISCARD, [id, `corrected as ${lead.id}`, by]);
      return accepted!;
    });
  }

  /** dead → discarded. False where the lead is no dead letter. */
  async discardDeadLetter({ id, reason, by }: { id: string; reason: string; by: string }): Promise<boolean> {
    return (await this.database.query(DISCARD, [id, reason, by])).rowCount === 1;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The parameters of REPLAY. */
function replayValues({ ids, code, signature, limit, perSecond, by }: Omit<Replay, 'id'> & { ids: string[] | null }): unknown[] {
  const dueTogether = perSecond === null ? LEADS_PER_JOB : Math.floor(perSecond * SECONDS_PER_JOB);
  const perJob = Math.max(1, Math.min(LEADS_PER_JOB, dueTogether));
  return [ids, code ?? null, limit, perSecond, by, perJob, newJobIdPrefix(), signature ?? null];
}
