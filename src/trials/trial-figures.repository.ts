import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import type { KeptScore } from './trial.js';

/** Scores per page of a comparison with outcomes. */
const PAGE = 5000;
const MOVERS = 20;

export interface ScoredPair {
  leadId: string;
  personKey: string;
  champion: number;
  challenger: number;
}

export interface Mover {
  leadId: string;
  champion: KeptScore;
  challenger: KeptScore;
}

/** Sums over the rows of a trial. */
export interface TrialSums {
  pending: number;
  scored: number;
  /** Leads with a score of the challenger, whether or not the champion's is there. */
  answered: number;
  failed: number;
  injected: { champion: number; challenger: number };
  steered: number;
  sameIntent: number;
  costUsd: { champion: number; challenger: number };
  tokens: number;
  tookMs: { p50: number | null; p95: number | null };
  versions: { champion: string[]; challenger: string[] };
}

const LEAKS = ` ?| ARRAY['prompt-leak', 'schema-escape']`;
const BOTH = 'champion IS NOT NULL AND challenger IS NOT NULL';

const SUMS = `
SELECT count(*) FILTER (WHERE scored_at IS NULL)::int AS pending,
  count(*) FILTER (WHERE ${BOTH})::int AS scored,
  count(challenger)::int AS answered,
  count(*) FILTER (WHERE error IS NOT NULL)::int AS failed,
  count(*) FILTER (WHERE ${BOTH} AND champion->'flags'${LEAKS})::int AS "championInjected",
  count(*) FILTER (WHERE ${BOTH} AND challenger->'flags'${LEAKS})::int AS "challengerInjected",
  count(*) FILTER (WHERE ${BOTH} AND challenger->'flags' ? 'injection')::int AS steered,
  count(*) FILTER (WHERE ${BOTH} AND champion->>'intent' = challenger->>'intent')::int AS "sameIntent",
  coalesce(sum((champion->>'costUsd')::float) FILTER (WHERE ${BOTH}), 0) AS "championCost",
  coalesce(sum(CASE WHEN side = 'challenger' THEN cost_usd ELSE (challenger->>'costUsd')::float END), 0) AS "challengerCost",
  coalesce(sum(tokens), 0)::float AS tokens,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) FILTER (WHERE side = 'challenger') AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms) FILTER (WHERE side = 'challenger') AS p95,
  coalesce(array_agg(DISTINCT champion->>'scorerVersion') FILTER (WHERE champion IS NOT NULL), '{}') AS "championVersions",
  coalesce(array_agg(DISTINCT challenger->>'scorerVersion') FILTER (WHERE challenger IS NOT NULL), '{}') AS "challengerVersions"
FROM trials.scores WHERE trial_id = $1`;

type SumsRow = Record<string, unknown> & {
  pending: number;
  scored: number;
  answered: number;
  failed: number;
  championInjected: number;
  challengerInjected: number;
  steered: number;
  sameIntent: number;
  championCost: number;
  challengerCost: number;
  tokens: number;
  p50: number | null;
  p95: number | null;
  championVersions: string[];
  challengerVersions: string[];
};

/** What the report on a trial is made of. */
@Injectable()
export class TrialFiguresRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  async sums(trialId: number): Promise<TrialSums> {
    const row = (await this.database.query<SumsRow>(SUMS, [trialId])).rows[0]!;
    const { pending, scored, answered, failed, steered, sameIntent, tokens, p50, p95 } = row;
    return {
      pending,
      scored,
      answered,
      failed,
      injected: { champion: row.championInjected, challenger: row.challengerInjected },
      steered,
      sameIntent,
      costUsd: { champion: row.championCost, challenger: row.challengerCost },
      tokens,
      tookMs: { p50, p95 },
      versions: { champion: row.championVersions, challenger: row.challengerVersions },
    };
  }

  /** Leads by both scores. At most 10,201 rows, whatever the number of leads. */
  async cells(trialId: number): Promise<{ champion: number; challenger: number; leads: number }[]> {
    const { rows } = await this.database.query<{ champion: number; challenger: number; leads: number }>(
      `SELECT (champion->>'fitScore')::int AS champion, (challenger->>'fitScore')::int AS challenger, count(*)::int AS leads
       FROM trials.scores WHERE trial_id = $1 AND ${BOTH} GROUP BY 1, 2`,
      [trialId],
    );
    return rows;
  }

  async errors(trialId: number): Promise<{ code: string; leads: number }[]> {
    const { rows } = await this.database.query<{ code: string; leads: number }>(
      `SELECT error AS code, count(*)::int AS leads FROM trials.scores WHERE trial_id = $1 AND error IS NOT NULL
       GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
      [trialId],
    );
    return rows;
  }

  /** The leads whose scores differ most. */
  async movers(trialId: number): Promise<Mover[]> {
    const { rows } = await this.database.query<Mover & Record<string, unknown>>(
      `SELECT lead_id AS "leadId", champion, challenger FROM trials.scores WHERE trial_id = $1 AND distance > 0
       ORDER BY distance DESC NULLS LAST LIMIT ${MOVERS}`,
      [trialId],
    );
    return rows;
  }

  /** Pairs that outcomes can judge, in pages: leads with the content with which they first reached the CRM. */
  async *pairs(trialId: number): AsyncGenerator<ScoredPair[]> {
    for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
      const { rows } = await this.database.query<ScoredPair & Record<string, unknown>>(
        `SELECT lead_id AS "leadId", encode(person_key, 'hex') AS "personKey", (champion->>'fitScore')::int AS champion,
           (challenger->>'fitScore')::int AS challenger
         FROM trials.scores WHERE trial_id = $1 AND lead_id > $2 AND first_content AND ${BOTH}
         ORDER BY lead_id LIMIT ${PAGE}`,
        [trialId, after],
      );
      if (rows.length > 0) yield rows;
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.leadId;
    }
  }
}
