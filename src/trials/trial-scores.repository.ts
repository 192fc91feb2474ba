import { Inject, Injectable } from '@nestjs/common';
import type { Place } from '../ledger/scored-leads.repository.js';
import { writeAboutPersons } from '../outcomes/write-about-persons.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import type { KeptScore } from './trial.js';

/** A lead that a trial compares. The side that is null is scored by the trial. */
export interface NewRow {
  leadId: string;
  personKey: string;
  revision: number;
  firstContent: boolean;
  side: 'challenger' | 'champion';
  champion: KeptScore | null;
  challenger: KeptScore | null;
  /** Of a challenger that failed on a live lead. */
  error: string | null;
  tokens: number;
  costUsd: number;
}

export interface ClaimedRow {
  leadId: string;
  revision: number;
  side: 'challenger' | 'champion';
  tries: number;
  claim: string;
}

/** What the run of one row brought: a score, or the code of the error. */
export interface RowResult {
  leadId: string;
  claim: string;
  score: KeptScore | null;
  error: string | null;
  tookMs: number;
  tokens: number;
  costUsd: number;
  /** The scorer could not be asked, so the row is due again. */
  again: boolean;
  /** Tries that count. */
  tries: number;
}

export interface RowCounts {
  rows: number;
  /** Of the rows, those without an end yet. */
  pending: number;
}

/**
 * A row is added once per trial and lead, whatever was read twice. Persons who were erased meanwhile get none, as
 * writeAboutPersons explains.
 */
const ADD = `
INSERT INTO trials.scores (trial_id, lead_id, person_key, revision, first_content, side, champion, challenger, error, tokens,
  cost_usd, scored_at)
SELECT $1, i.lead_id, decode(i.person_key, 'hex'), i.revision, i.first_content, i.side, nullif(i.champion, 'null')::jsonb,
  nullif(i.challenger, 'null')::jsonb, i.error, i.tokens, i.cost_usd,
  -- A challenger that failed on a live lead leaves nothing to score.
  CASE WHEN i.error IS NOT NULL THEN now() END
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bool[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::float[])
  AS i (lead_id, person_key, revision, first_content, side, champion, challenger, error, tokens, cost_usd)
WHERE EXISTS (SELECT FROM ledger.known_persons k WHERE k.person_key = decode(i.person_key, 'hex'))
ON CONFLICT DO NOTHING`;

const CLAIM = `
UPDATE trials.scores s SET claimed_until = now() + make_interval(secs => $3 / 1000.0), claim = s.claim + 1, tries = s.tries + 1
FROM (
  SELECT trial_id, lead_id FROM trials.scores
  WHERE trial_id = $1 AND scored_at IS NULL AND claimed_until <= now()
  ORDER BY claimed_until, lead_id LIMIT $2 FOR UPDATE SKIP LOCKED
) due
WHERE s.trial_id = due.trial_id AND s.lead_id = due.lead_id
RETURNING s.lead_id AS "leadId", s.revision, s.side, s.tries, s.claim`;

/** A row that was erased is not found, and one that another run claimed since has a newer claim. */
const SETTLE = `
UPDATE trials.scores s SET
  champion = CASE WHEN s.side = 'champion' THEN nullif(i.score, 'null')::jsonb ELSE s.champion END,
  challenger = CASE WHEN s.side = 'challenger' THEN nullif(i.score, 'null')::jsonb ELSE s.challenger END,
  error = CASE WHEN i.again THEN s.error ELSE i.error END,
  took_ms = i.took_ms, tries = i.tries, tokens = s.tokens + i.tokens, cost_usd = s.cost_usd + i.cost_usd,
  scored_at = CASE WHEN i.again THEN NULL ELSE clock_timestamp() END,
  claimed_until = CASE WHEN i.again THEN '-infinity' ELSE s.claimed_until END
FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::int[], $8::float[], $9::bool[],
    $10::int[])
  AS i (lead_id, claim, score, error, took_ms, tokens, cost_usd, again, tries)
WHERE s.trial_id = $1 AND s.lead_id = i.lead_id AND s.claim = i.claim AND s.scored_at IS NULL`;

/** The rows of trials. Each statement names its trial, so that an index answers it. */
@Injectable()
export class TrialScoresRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  /**
   * The whole sample of a backtest, with the step to the state `running`: all of it or nothing.
   * @param parts reads the rows part by part, so that few are in memory.
   */
  async addSample(trialId: number, parts: () => AsyncIterable<NewRow[]>): Promise<void> {
    await writeAboutPersons(this.database, async (transaction) => {
      const { rowCount } = await transaction.query(
        "UPDATE trials.trials SET state = 'running' WHERE id = $1 AND state = 'selecting'",
        [trialId],
      );
      if (rowCount === 0) return;
      for await (const rows of parts()) await add(transaction, trialId, rows);
    });
  }

  /** Rows of live leads, with the place up to which the ledger was read. A run that read the same adds nothing. */
  async addLive(trialId: number, rows: readonly NewRow[], from: Place, to: Place): Promise<void> {
    await writeAboutPersons(this.database, async (transaction) => {
      const { rowCount } = await transaction.query(
        `UPDATE trials.trials SET state = 'running', position_at = $4, position_id = $5
         WHERE id = $1 AND ended_at IS NULL AND position_at = $2 AND position_id = $3`,
        [trialId, from.at, from.id, to.at, to.id],
      );
      if (rowCount === 1) await add(transaction, trialId, rows);
    });
  }

  /** Claims rows to score. If the process ends before it settles them, they are due again after `leaseMs`. */
  async claim(trialId: number, limit: number, leaseMs: number): Promise<ClaimedRow[]> {
    return (await this.database.query<ClaimedRow & Record<string, unknown>>(CLAIM, [trialId, limit, leaseMs])).rows;
  }

  async settle(trialId: number, results: readonly RowResult[]): Promise<void> {
    if (results.length === 0) return;
    const scores = jsonColumn(results, ({ score }) => score);
    const [ids, claims, errors, times, tokens, costs, again, tries] = columns(results, [
      'leadId',
      'claim',
      'error',
      'tookMs',
      'tokens',
      'costUsd',
      'again',
      'tries',
    ]);
    await this.database.query(SETTLE, [trialId, ids, claims, scores, errors, times, tokens, costs, again, tries]);
  }

  /** Removes rows whose lead has other content now or is gone: they cannot be scored as they stood. */
  async drop(trialId: number, leadIds: readonly string[]): Promise<void> {
    if (leadIds.length === 0) return;
    await this.database.query('DELETE FROM trials.scores WHERE trial_id = $1 AND lead_id = ANY($2) AND scored_at IS NULL', [
      trialId,
      leadIds,
    ]);
  }

  async counts(trialId: number): Promise<RowCounts> {
    const { rows } = await this.database.query<RowCounts & Record<string, unknown>>(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE scored_at IS NULL)::int AS pending
       FROM trials.scores WHERE trial_id = $1`,
      [trialId],
    );
    return rows[0]!;
  }
}

async function add(transaction: Queryable, trialId: number, rows: readonly NewRow[]): Promise<void> {
  if (rows.length === 0) return;
  const [ids, persons, revisions, first, sides] = columns(rows, ['leadId', 'personKey', 'revision', 'firstContent', 'side']);
  const [errors, tokens, costs] = columns(rows, ['error', 'tokens', 'costUsd']);
  const champions = jsonColumn(rows, ({ champion }) => champion);
  const challengers = jsonColumn(rows, ({ challenger }) => challenger);
  await transaction.query(ADD, [trialId, ids, persons, revisions, first, sides, champions, challengers, errors, tokens, costs]);
}
