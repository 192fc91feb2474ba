import { Inject, Injectable } from '@nestjs/common';
import type { Place } from '../ledger/scored-leads.repository.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import type { Challenger } from './challenger.js';
import type { InjectionResult, ListedTrial, Trial, TrialSettings } from './trial.js';
import type { TrialKind } from './trial-kinds.js';
import { championOf, CONFIGURED, trialOf, type ChampionRow, type ScorerInUse, type TrialRow } from './trial-rows.js';

/** Open trials at the same time. */
export const MOST_OPEN = 5;
/** How long rows and trials are kept after their end. */
const KEPT_DAYS = 180;
const ROWS_PER_PRUNE = 5000;

const EXACT = `to_char(t.position_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const COLUMNS = `t.id, t.kind, t.state, t.challenger, t.settings, t.note, t.who, t.created_at AS "createdAt",
  t.ended_at AS "endedAt", t.reason, t.last_error AS "lastError", t.injections`;
const OPEN = "t.state IN ('selecting', 'running')";
const TODAY = "(now() AT TIME ZONE 'UTC')::date";
const SPENT_TODAY = `CASE WHEN t.tokens_on = ${TODAY} THEN t.tokens_spent ELSE 0 END`;

export interface NewTrial {
  kind: TrialKind;
  challenger: Challenger;
  settings: TrialSettings;
  note: string;
  who: string;
}

/** An open trial, and up to where it has read the first syncs. */
export interface OpenTrial extends Trial {
  place: Place;
  judged: number;
  /** Tokens of this day (UTC) that the processes have recorded. */
  tokensToday: number;
}

/** Trials and the scorer in use. */
@Injectable()
export class TrialsRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  /** @returns null where too many trials are open, or another challenge is. */
  async add({ kind, challenger, settings, note, who }: NewTrial): Promise<number | null> {
    return this.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE trials.trials IN SHARE ROW EXCLUSIVE MODE');
      const { rows } = await transaction.query<{ id: number }>(
        `INSERT INTO trials.trials (kind, state, challenger, settings, note, who)
         SELECT $1, 'selecting', $2, $3, $4, $5
         WHERE (SELECT count(*) FROM trials.trials t WHERE ${OPEN}) < ${MOST_OPEN}
           AND NOT ($1 = 'challenge' AND EXISTS (SELECT FROM trials.trials t WHERE ${OPEN} AND t.kind = 'challenge'))
         RETURNING id`,
        [kind, JSON.stringify(challenger), JSON.stringify(settings), note, who],
      );
      const id = rows[0]?.id;
      if (id === undefined) return null;
      await recordAct(transaction, who, 'trial-start', { trial: id, kind, share: settings.share, sample: settings.sample });
      return id;
    });
  }

  /** The newest first, at most 50. */
  async list(): Promise<ListedTrial[]> {
    const { rows } = await this.database.query<TrialRow>(`SELECT ${COLUMNS} FROM trials.trials t ORDER BY t.id DESC LIMIT 50`);
    return rows.map(trialOf);
  }

  async find(id: number): Promise<(ListedTrial & { result: unknown }) | null> {
    const { rows } = await this.database.query<TrialRow & { result: unknown }>(
      `SELECT ${COLUMNS}, t.result FROM trials.trials t WHERE t.id = $1`,
      [id],
    );
    return rows[0] ? { ...trialOf(rows[0]), result: rows[0].result } : null;
  }

  /** Without those that this version cannot read: workers of the version that wrote them may go on with them. */
  async open(): Promise<OpenTrial[]> {
    const { rows } = await this.database.query<OpenRow>({
      name: 'open-trials',
      text: `SELECT ${COLUMNS}, ${EXACT} AS "placeAt", t.position_id AS "placeId", t.judged,
          (${SPENT_TODAY})::float AS "tokensToday"
        FROM trials.trials t WHERE t.ended_at IS NULL ORDER BY t.id`,
    });
    return rows.flatMap(({ placeAt, placeId, judged, tokensToday, ...row }) => {
      const trial = trialOf(row);
      return trial.unreadable === null ? [{ ...trial, place: { at: placeAt, id: placeId }, judged, tokensToday }] : [];
    });
  }

  /** Counts tokens against the trial's budget of the day. */
  async spend(id: number, tokens: number): Promise<void> {
    if (tokens === 0) return;
    await this.database.query(
      `UPDATE trials.trials t SET tokens_spent = ${SPENT_TODAY} + $2, tokens_on = ${TODAY} WHERE t.id = $1`,
      [id, tokens],
    );
  }

  /** Whether this worker selects leads and applies the rules now. A worker that ended holds it `leaseMs` longer. */
  async lease(id: number, worker: string, leaseMs: number): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `UPDATE trials.trials SET leased_by = $2, leased_until = now() + make_interval(secs => $3 / 1000.0)
       WHERE id = $1 AND ended_at IS NULL AND (leased_by = $2 OR leased_until <= now())`,
      [id, worker, leaseMs],
    );
    return rowCount === 1;
  }

  async storeInjections(id: number, result: InjectionResult): Promise<void> {
    await this.database.query('UPDATE trials.trials SET injections = $2 WHERE id = $1', [id, JSON.stringify(result)]);
  }

  async storeError(id: number, code: string | null): Promise<void> {
    const text = 'UPDATE trials.trials SET last_error = $2 WHERE id = $1 AND last_error IS DISTINCT FROM $2';
    await this.database.query(text, [id, code]);
  }

  async storeJudged(id: number, conversions: number): Promise<void> {
    await this.database.query('UPDATE trials.trials SET judged = $2 WHERE id = $1', [id, conversions]);
  }

  /** @returns false where the trial had ended before. */
  async end(id: number, end: TrialEnd): Promise<boolean> {
    return this.database.transaction((transaction) => endTrial(transaction, id, end));
  }

  async champion(): Promise<ScorerInUse> {
    const row = await newestChampion(this.database);
    return row ? championOf(row) : CONFIGURED;
  }

  /** Puts the challenger of a trial into use and ends the trial. @returns false where it is in use already. */
  async promote(who: string, { id, challenger }: Pick<Trial, 'id' | 'challenger'>, result: unknown): Promise<boolean> {
    return this.changing(who, 'trial-promote', async (now, transaction) => {
      if (now?.trial_id === id) return null;
      await endTrial(transaction, id, { state: 'done', reason: 'The challenger was promoted.', who, result });
      return { trial_id: id, challenger, previous: now?.version ?? null };
    });
  }

  /** Returns to the scorer that was in use before. @returns false where it is the one of the configuration. */
  async rollBack(who: string): Promise<boolean> {
    return this.changing(who, 'trial-rollback', async (now, transaction) => {
      if (!now || now.trial_id === null) return null;
      const { rows } = await transaction.query<ChampionRow>('SELECT * FROM trials.champions WHERE version = $1', [now.previous]);
      const before = rows[0];
      return {
        trial_id: before?.trial_id ?? null,
        challenger: before?.challenger ?? null,
        previous: before?.previous ?? null,
      };
    });
  }

  /**
   * Removes what is older than its retention, a bounded number at a time. A trial outlives its rows.
   * @returns whether there may be more.
   */
  async prune(days = KEPT_DAYS): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `DELETE FROM trials.scores WHERE (trial_id, lead_id) IN (
         SELECT trial_id, lead_id FROM trials.scores WHERE added_at < now() - make_interval(days => $1) LIMIT ${ROWS_PER_PRUNE})`,
      [Math.min(days, KEPT_DAYS)],
    );
    await this.database.query(
      `DELETE FROM trials.trials t WHERE t.ended_at < now() - make_interval(days => $1 * 4)
         AND NOT EXISTS (SELECT FROM trials.scores s WHERE s.trial_id = t.id)`,
      [KEPT_DAYS],
    );
    return rowCount === ROWS_PER_PRUNE;
  }

  /** One change at a time, with its line in the log of operators' acts. */
  private changing(
    who: string,
    act: string,
    decide: (now: ChampionRow | undefined, transaction: Queryable) => Promise<NextChampion | null>,
  ): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE trials.champions IN SHARE ROW EXCLUSIVE MODE');
      const now = await newestChampion(transaction);
      const next = await decide(now, transaction);
      if (!next) return false;
      const { rows } = await transaction.query<{ version: number }>(
        'INSERT INTO trials.champions (who, trial_id, challenger, previous) VALUES ($1, $2, $3, $4) RETURNING version',
        [who, next.trial_id, next.challenger && JSON.stringify(next.challenger), next.previous],
      );
      await recordAct(transaction, who, act, {
        version: rows[0]!.version,
        trial: next.trial_id,
        before: now?.trial_id ?? null,
      });
      return true;
    });
  }
}

export interface TrialEnd {
  state: 'done' | 'stopped';
  reason: string;
  /** The name of the operator's token, or `stop rule`. */
  who: string;
  /** The figures without leads. */
  result: unknown;
}

async function endTrial(transaction: Queryable, id: number, { state, reason, who, result }: TrialEnd): Promise<boolean> {
  const { rowCount } = await transaction.query(
    `UPDATE trials.trials t SET state = $2, ended_at = now(), reason = $3, result = $4 WHERE t.id = $1 AND ${OPEN}`,
    [id, state, reason, JSON.stringify(result)],
  );
  if (rowCount === 0) return false;
  await recordAct(transaction, who, state === 'done' ? 'trial-end' : 'trial-stop', { trial: id, reason });
  return true;
}

type NextChampion = Pick<ChampionRow, 'trial_id' | 'challenger' | 'previous'>;

async function newestChampion(database: Queryable): Promise<ChampionRow | undefined> {
  const { rows } = await database.query<ChampionRow & Record<string, unknown>>(
    'SELECT version, at, who, trial_id, challenger, previous FROM trials.champions ORDER BY version DESC LIMIT 1',
  );
  return rows[0];
}

async function recordAct(transaction: Queryable, who: string, act: string, detail: Record<string, unknown>): Promise<void> {
  await transaction.query('SELECT ledger.record_act($1, $2, $3)', [who, act, JSON.stringify(detail)]);
}

type OpenRow = TrialRow & Pick<OpenTrial, 'judged' | 'tokensToday'> & { placeAt: string; placeId: string };
