import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { writeAboutPersons } from './write-about-persons.js';

/** Leads per statement. */
const FIRST_SCORES_BATCH = 5000;
/** Batches of one catch-up: 20,000 leads, which take about a second. */
const MOST_BATCHES = 4;
const CURSOR = 'first-scores';

/** A sync commits after the time that it carries; a statement of the ledger is cancelled after 5 seconds. */
const SETTLED = "interval '10 seconds'";

/**
 * Copies the scores with which leads first reached the CRM, in the order of their syncs, one batch at a time. The
 * earliest score of a person counts. The cursor's row is locked: two processes at the same time do not skip a batch.
 */
const COPY = `
WITH position AS (
  SELECT at, record_id FROM feedback.cursors WHERE name = '${CURSOR}' FOR UPDATE
), batch AS MATERIALIZED (
  SELECT f.* FROM ledger.first_syncs f, position p
  WHERE f.synced_at < now() - ${SETTLED}
    AND (f.synced_at, f.lead_id) > (p.at, coalesce(nullif(p.record_id, ''), '00000000-0000-0000-0000-000000000000')::uuid)
  ORDER BY f.synced_at, f.lead_id LIMIT ${FIRST_SCORES_BATCH}
), copied AS (
  INSERT INTO feedback.first_scores AS s (person_key, lead_id, campaign_id, score, score_source, scorer_version, synced_at)
  SELECT DISTINCT ON (person_key) person_key, lead_id, campaign_id, score, coalesce(score_source, 'unknown'),
    coalesce(scorer_version, 'unknown'), synced_at
  FROM batch WHERE score BETWEEN 0 AND 100
  ORDER BY person_key, synced_at, lead_id
  ON CONFLICT (person_key) DO UPDATE SET lead_id = excluded.lead_id, campaign_id = excluded.campaign_id,
    score = excluded.score, score_source = excluded.score_source, scorer_version = excluded.scorer_version,
    synced_at = excluded.synced_at
  WHERE (excluded.synced_at, excluded.lead_id) < (s.synced_at, s.lead_id)
), moved AS (
  UPDATE feedback.cursors SET at = last.synced_at, record_id = last.lead_id::text, moved_at = now()
  FROM (SELECT synced_at, lead_id FROM batch ORDER BY synced_at DESC, lead_id DESC LIMIT 1) last
  WHERE name = '${CURSOR}'
)
SELECT count(*)::int AS count FROM batch`;

/** The score of each person when they first reached the CRM, copied from the ledger. */
@Injectable()
export class FirstScoresRepository {
  constructor(private readonly database: Database) {}

  /** Copies what is new, a bounded number of leads. @returns whether all are copied. */
  async catchUp(): Promise<boolean> {
    for (let batch = 0; batch < MOST_BATCHES; batch++) if (!(await this.copyBatch())) return true;
    return false;
  }

  /** Copies the next batch. @returns whether there may be more. */
  private async copyBatch(): Promise<boolean> {
    return writeAboutPersons(this.database, async (transaction) => {
      const { rows } = await transaction.query<{ count: number }>(COPY);
      return rows[0]!.count === FIRST_SCORES_BATCH;
    });
  }

  /** Removes scores and outcomes that are older than RETENTION_DAYS, a bounded number at a time. */
  async prune(days: number): Promise<void> {
    for (const [table, key, column] of [
      ['feedback.first_scores', 'person_key', 'synced_at'],
      ['feedback.outcomes', 'id', 'at'],
      ['feedback.followed_records', 'crm_id', 'since'],
    ]) {
      await this.database.query(
        `DELETE FROM ${table} WHERE ${key} IN (
           SELECT ${key} FROM ${table} WHERE ${column} < now() - make_interval(days => $1) LIMIT ${FIRST_SCORES_BATCH})`,
        [days],
      );
    }
    await this.database.query(
      `DELETE FROM feedback.merged_persons m
       WHERE NOT EXISTS (SELECT 1 FROM feedback.first_scores s WHERE s.person_key = m.person_key)
         AND NOT EXISTS (SELECT 1 FROM ledger.known_persons k WHERE k.person_key = m.person_key)`,
    );
  }
}
