import { Inject, Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import { TARGET_KINDS, type Target } from './outcome.js';
import { addCounts, noCounts, zeroes, type ScoreCounts } from './statistics/score-counts.js';

/** Groups of one segment that a report shows; the others are in the total. */
const GROUPS_SHOWN = 20;

export const SEGMENTS = ['scorerVersion', 'campaignId', 'scoreSource'] as const;
export type Segment = (typeof SEGMENTS)[number];

export interface CellsQuery {
  target: Target;
  horizonDays: number;
  /** Leads that were first synced at or after it. */
  since?: Date | undefined;
}

/** Leads by score: those old enough to be judged, and how many are not. */
export interface Cells {
  /** Synced longer ago than the horizon. */
  mature: ScoreCounts;
  /** Synced within the horizon: what becomes of them is not known yet. */
  immature: { leads: number; conversions: number };
  /** They had converted before their first score, so the score predicted nothing. */
  convertedBefore: number;
}

export type CellsBySegment = Record<Segment, { group: string; cells: Cells }[]>;

/**
 * What became of each person that counts. Of persons whose leads the CRM merged, the one scored first counts, with the
 * outcomes of all. A person's first outcome decides: an earlier one excludes the person, a later one came too late.
 * Sums of times and intervals are slow, so they are made once, or for persons who converted only.
 * $1 kinds, $2 horizon in days, $3 since.
 */
const JUDGED = `
heads AS MATERIALIZED (
  SELECT m.person_key, first_value(m.person_key) OVER (PARTITION BY m.unit ORDER BY s.synced_at NULLS LAST, m.person_key) AS head
  FROM feedback.merged_persons m LEFT JOIN feedback.first_scores s USING (person_key)
), hits AS MATERIALIZED (
  SELECT coalesce(h.head, o.person_key) AS person_key, min(o.at) AS at
  FROM feedback.outcomes o LEFT JOIN heads h ON h.person_key = o.person_key
  WHERE o.kind = ANY($1) AND o.kind IN ('qualified', 'converted', 'opportunity', 'won')
  GROUP BY 1
), judged AS (
  SELECT s.score, s.scorer_version, s.campaign_id, s.score_source, s.synced_at,
    s.synced_at <= (SELECT now() - make_interval(days => $2)) AS mature,
    CASE WHEN h.at IS NULL THEN 'open' WHEN h.at < s.synced_at THEN 'before'
      WHEN h.at <= s.synced_at + make_interval(days => $2) THEN 'converted' ELSE 'open' END AS outcome
  FROM feedback.first_scores s LEFT JOIN hits h USING (person_key)
  WHERE s.synced_at >= $3 AND s.person_key NOT IN (SELECT person_key FROM heads WHERE person_key <> head)
)`;

/** Groups of one segment by their leads; a group without a name is a campaign that is not shown. */
const shown = (segment: string) => `(GROUPING(${segment}) = 1 OR ${segment} IN (
  SELECT ${segment} FROM cells WHERE ${segment} IS NOT NULL GROUP BY 1 ORDER BY sum(leads) DESC, 1 LIMIT ${GROUPS_SHOWN}))`;

/** One pass to find the campaigns that are shown, and one that counts. The groups are sums of its cells. */
export const CELLS = `
WITH ${JUDGED}, campaigns AS MATERIALIZED (
  SELECT campaign_id FROM feedback.first_scores WHERE synced_at >= $3
  GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ${GROUPS_SHOWN}
), cells AS MATERIALIZED (
  SELECT score, scorer_version, c.campaign_id, score_source, outcome, mature, count(*) AS leads
  FROM judged LEFT JOIN campaigns c USING (campaign_id) GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT CASE WHEN GROUPING(scorer_version) = 0 THEN 'scorerVersion' WHEN GROUPING(campaign_id) = 0 THEN 'campaignId'
    WHEN GROUPING(score_source) = 0 THEN 'scoreSource' END AS segment,
  coalesce(scorer_version, campaign_id, score_source) AS name, score, outcome, mature, sum(leads)::int AS leads
FROM cells
GROUP BY score, outcome, mature, GROUPING SETS ((), (scorer_version), (campaign_id), (score_source))
HAVING ${['scorer_version', 'campaign_id', 'score_source'].map(shown).join(' AND ')}`;

/** Mature leads by whether they belong to the earlier part, $4 of them, in the order of their sync. */
export const SPLIT = `
WITH ${JUDGED}, old AS MATERIALIZED (
  SELECT score, scorer_version, outcome, synced_at FROM judged WHERE mature AND outcome <> 'before'
), border AS (
  SELECT percentile_disc($4::float) WITHIN GROUP (ORDER BY synced_at) AS at FROM old
)
SELECT score, scorer_version AS version, outcome = 'converted' AS converted, synced_at <= border.at AS earlier, count(*)::int AS leads
FROM old, border GROUP BY 1, 2, 3, 4`;

/** Leads by score and by how many weeks ago they were first synced; $1 weeks. */
export const WEEKS = `
SELECT score, floor(extract(epoch FROM now() - synced_at) / 604800)::int AS week, count(*)::int AS leads
FROM feedback.first_scores WHERE synced_at > now() - make_interval(weeks => $1) GROUP BY 1, 2`;

interface CellRow {
  segment: Segment | null;
  name: string | null;
  score: number;
  outcome: 'open' | 'converted' | 'before';
  mature: boolean;
  leads: number;
}

/** Counts of leads by score and outcome: one query each, whatever the number of leads. */
@Injectable()
export class ScoreCellsRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  async cells({ target, horizonDays, since }: CellsQuery): Promise<{ all: Cells; by: CellsBySegment }> {
    const { rows } = await this.query<CellRow>(CELLS, [TARGET_KINDS[target], horizonDays, since?.toISOString() ?? '-infinity']);
    const all = noCells();
    const groups = new Map<string, { segment: Segment; group: string; cells: Cells }>();
    for (const row of rows) {
      if (row.segment === null) {
        addRow(all, row);
        continue;
      }
      const key = `${row.segment} ${row.name}`;
      const found = groups.get(key) ?? { segment: row.segment, group: row.name!, cells: noCells() };
      addRow(found.cells, row);
      groups.set(key, found);
    }
    const of = (segment: Segment) =>
      [...groups.values()]
        .filter((each) => each.segment === segment)
        .map(({ group, cells }) => ({ group, cells }))
        .toSorted((a, b) => leadsOf(b.cells) - leadsOf(a.cells) || (a.group < b.group ? -1 : 1));
    return { all, by: { scorerVersion: of('scorerVersion'), campaignId: of('campaignId'), scoreSource: of('scoreSource') } };
  }

  /** The earlier part of the mature leads and the rest, and which scorers gave the scores. */
  async splitByTime({ target, horizonDays }: CellsQuery, earlierShare: number) {
    const { rows } = await this.query<{
      score: number;
      version: string;
      converted: boolean;
      earlier: boolean;
      leads: number;
    }>(SPLIT, [TARGET_KINDS[target], horizonDays, '-infinity', earlierShare]);
    const earlier = noCounts();
    const later = noCounts();
    const versions = new Map<string, number>();
    for (const { score, version, converted, earlier: isEarlier, leads } of rows) {
      addCounts(isEarlier ? earlier : later, score, leads, converted ? leads : 0);
      versions.set(version, (versions.get(version) ?? 0) + leads);
    }
    return { earlier, later, versions };
  }

  /** Leads by score for each of the last weeks, this one first. */
  async weeks(count: number): Promise<number[][]> {
    const { rows } = await this.database.query<{ score: number; week: number; leads: number }>(WEEKS, [count]);
    const weeks = Array.from({ length: count }, zeroes);
    for (const { score, week, leads } of rows) if (week >= 0 && week < count) weeks[week]![score]! += leads;
    return weeks;
  }

  /** With memory for the hash of the persons who converted: without it PostgreSQL joins all scores through files. */
  private query<Row extends QueryResultRow>(text: string, values: unknown[]) {
    return this.database.transaction(async (transaction) => {
      await transaction.query("SET LOCAL work_mem = '32MB'");
      return transaction.query<Row>(text, values);
    });
  }
}

function noCells(): Cells {
  return { mature: noCounts(), immature: { leads: 0, conversions: 0 }, convertedBefore: 0 };
}

function addRow(cells: Cells, { score, outcome, mature, leads }: CellRow): void {
  if (outcome === 'before') cells.convertedBefore += leads;
  else if (mature) addCounts(cells.mature, score, leads, outcome === 'converted' ? leads : 0);
  else {
    cells.immature.leads += leads;
    if (outcome === 'converted') cells.immature.conversions += leads;
  }
}

function leadsOf({ mature, immature, convertedBefore }: Cells): number {
  return mature.leads.reduce((total, leads) => total + leads, 0) + immature.leads + convertedBefore;
}
