import { Inject, Injectable } from '@nestjs/common';
import { stageDueIn, STAGES, type OpenState, type Stage } from '../domain/lead-state.js';
import { Database } from '../platform/database/database.js';
import { SPEED_TO_LEAD_BUCKETS } from '../platform/observability/metrics.js';
import { CONFIG, REPORT_DATABASE } from '../platform/platform.module.js';
import type { Config } from '../platform/config/config.js';
import { reuseResult } from '../platform/concurrency/reuse-result.js';
import { OpenLeadsRepository, type StageBacklog } from './open-leads.repository.js';

/** Seconds; null where no lead was measured. */
export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

/** Leads that first reached the CRM within the window, by duration. */
export interface Arrivals {
  count: number;
  /** Slower than the SLA. */
  late: number;
  speedToLead: Percentiles;
  /** From receipt to score, and from score to CRM; their sum is the speed to lead. */
  stages: Record<Stage, Percentiles>;
  /** Leads per interval: up to this bound, and above the previous one. The last interval has no bound. */
  histogram: { upTo: number | null; count: number }[];
}

/** Leads that have not reached the CRM and are already late. */
export interface Overdue {
  waiting: number;
  /** Dead-lettered within the window. */
  dead: number;
}

export interface StageLoad {
  stage: Stage;
  backlog: number;
  /** Age of the oldest waiting content in seconds; 0 where none waits. */
  oldestSeconds: number;
  /** Recent throughput of the stage in leads per second. */
  perSecond: number;
}

export interface MinuteFigures {
  at: Date;
  received: number;
  medianSeconds: number | null;
}

export interface CampaignFigures {
  campaignId: string;
  /** Leads that reached the CRM, and those of them that were slower than the SLA. */
  count: number;
  late: number;
  /** Of WAITING_COUNTED leads that wait, those that are late already. */
  waiting: number;
  /** Dead-lettered without a CRM record. */
  dead: number;
  p95: number | null;
}

/** Percentiles of a duration; each sorts the window once. */
const percentiles = (name: string, seconds: string) => `
  percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ${seconds}) AS ${name}, max(${seconds}) AS ${name}_max`;

export const ARRIVALS = `
WITH arrived AS (
  SELECT greatest(extract(epoch FROM first_synced_at - received_at)::float, 0) AS total,
    greatest(extract(epoch FROM first_enriched_at - received_at)::float, 0) AS enrichment,
    greatest(extract(epoch FROM first_synced_at - first_enriched_at)::float, 0) AS sync
  FROM ledger.leads WHERE first_synced_at > now() - make_interval(mins => $1)
)
SELECT count(*)::int AS count, count(*) FILTER (WHERE total > $2)::int AS late,
  ${percentiles('total', 'total')}, ${percentiles('enrichment', 'enrichment')}, ${percentiles('sync', 'sync')},
  (SELECT json_object_agg(bucket, n) FROM (
    SELECT width_bucket(total, $3::float[]) AS bucket, count(*) AS n FROM arrived GROUP BY 1
  ) b) AS buckets
FROM arrived`;

interface ArrivalsRow {
  count: number;
  late: number;
  total: number[] | null;
  total_max: number | null;
  enrichment: number[] | null;
  enrichment_max: number | null;
  sync: number[] | null;
  sync_max: number | null;
  buckets: Record<string, number> | null;
}

export const DEAD_WITHOUT_CRM = `
SELECT count(*)::int AS dead FROM ledger.leads
WHERE state = 'dead' AND crm IS NULL AND died_at > now() - make_interval(mins => $1)`;

export const COUNT_DEAD = "SELECT count(*)::int AS count FROM ledger.leads WHERE state = 'dead'";

/**
 * The higher of the throughputs of the last ten seconds and the last minute. At the start of a burst the last minute is
 * too low.
 */
export const PACE = `
SELECT kind, greatest(count(*) / 60.0, count(*) FILTER (WHERE at > now() - interval '10 seconds') / 10.0)::float AS pace
FROM ledger.events WHERE at > now() - interval '1 minute' AND kind IN ('enriched', 'synced') GROUP BY kind`;

export const HAS_LEADS = 'SELECT EXISTS (SELECT FROM ledger.leads) AS "hasLeads"';

/** Each part is an index-only scan of its window. */
export const PER_MINUTE = `
WITH minutes AS (
  SELECT generate_series(date_trunc('minute', now()) - make_interval(mins => $1 - 1), date_trunc('minute', now()), '1 minute') AS at
), received AS (
  SELECT date_trunc('minute', received_at) AS at, count(*)::int AS count FROM ledger.leads
  WHERE received_at > now() - make_interval(mins => $1) GROUP BY 1
), synced AS (
  SELECT date_trunc('minute', first_synced_at) AS at,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM first_synced_at - received_at)::float, 0)) AS median
  FROM ledger.leads WHERE first_synced_at > now() - make_interval(mins => $1) GROUP BY 1
)
SELECT m.at, coalesce(r.count, 0) AS received, s.median AS "medianSeconds"
FROM minutes m LEFT JOIN received r USING (at) LEFT JOIN synced s USING (at) ORDER BY m.at`;

/**
 * Leads that wait and are counted by campaign; of more, a sample at random, since their ids are hashes. Each is a row
 * elsewhere on the disk.
 */
export const WAITING_COUNTED = 1000;

/** The campaigns with the most breaches come first. */
export const BY_CAMPAIGN = `
SELECT campaign_id AS "campaignId", count(total)::int AS count, count(*) FILTER (WHERE total > $2)::int AS late,
  count(*) FILTER (WHERE waits)::int AS waiting, count(*) FILTER (WHERE NOT waits)::int AS dead,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY total) AS p95
FROM (
  SELECT campaign_id, greatest(extract(epoch FROM first_synced_at - received_at)::float, 0) AS total, NULL::boolean AS waits
  FROM ledger.leads WHERE first_synced_at > now() - make_interval(mins => $1)
  UNION ALL
  SELECT campaign_id, NULL, true FROM ledger.leads WHERE id = ANY (ARRAY(
    SELECT id FROM (
      SELECT id, received_at, first_synced_at FROM ledger.leads WHERE state IN ('received', 'enriched') LIMIT ${WAITING_COUNTED}
    ) open WHERE first_synced_at IS NULL AND received_at < now() - make_interval(secs => $2)
  ))
  UNION ALL
  SELECT campaign_id, NULL, false FROM ledger.leads
  WHERE state = 'dead' AND crm IS NULL AND died_at > now() - make_interval(mins => $1)
) figures GROUP BY campaign_id
ORDER BY count(*) FILTER (WHERE total > $2 OR waits IS NOT NULL) DESC, count(*) DESC, campaign_id LIMIT 20`;

const KIND_OF = { enrichment: 'enriched', 'crm-sync': 'synced' } as const;

/**
 * Token for the time in milliseconds for which a process reuses a figure about open leads; scrapes, reports and alerts
 * read them.
 */
export const READING_AGE_MS = Symbol('Age of a reading');

/** How fast leads reach the CRM, and how many wait. */
@Injectable()
export class SlaRepository {
  private readonly backlog: () => Promise<StageBacklog[]>;

  constructor(
    @Inject(REPORT_DATABASE) private readonly database: Database,
    openLeads: OpenLeadsRepository,
    @Inject(CONFIG) config: Pick<Config, 'SPEED_TO_LEAD_SLA_SECONDS'>,
    @Inject(READING_AGE_MS) readingAgeMs: number,
  ) {
    this.backlog = reuseResult(readingAgeMs, () => openLeads.backlog(config.SPEED_TO_LEAD_SLA_SECONDS));
  }

  /**
   * How fast the leads were that first reached the CRM in the last `minutes`. It is an index-only scan of that window.
   */
  async arrivals(minutes: number, slaSeconds: number): Promise<Arrivals> {
    // The SLA is always a bound of the histogram.
    const bounds = [...new Set([...SPEED_TO_LEAD_BUCKETS, slaSeconds])].toSorted((a, b) => a - b);
    const values = [minutes, slaSeconds, bounds];
    const { rows } = await this.database.query<ArrivalsRow>({ name: 'sla-arrivals', text: ARRIVALS, values });
    const row = rows[0]!;
    return {
      count: row.count,
      late: row.late,
      speedToLead: percentilesOf(row.total, row.total_max),
      stages: {
        enrichment: percentilesOf(row.enrichment, row.enrichment_max),
        'crm-sync': percentilesOf(row.sync, row.sync_max),
      },
      histogram: [...bounds, null].map((upTo, index) => ({ upTo, count: row.buckets?.[index] ?? 0 })),
    };
  }

  /** Leads that are not in the CRM after SPEED_TO_LEAD_SLA_SECONDS. */
  async overdue(minutes: number): Promise<Overdue> {
    const [backlog, { rows }] = await Promise.all([
      this.backlog(),
      this.database.query<{ dead: number }>({ name: 'sla-dead', text: DEAD_WITHOUT_CRM, values: [minutes] }),
    ]);
    return { waiting: backlog.reduce((sum, { overdue }) => sum + overdue, 0), dead: rows[0]!.dead };
  }

  /** How many leads are open, and since when one of this state is; null where none is. Up to a minute old. */
  async openLeads(state: OpenState): Promise<{ count: number; since: Date | null }> {
    const backlog = await this.backlog();
    const waiting = backlog.find(({ stage }) => stage === stageDueIn(state));
    return { count: backlog.reduce((sum, { count }) => sum + count, 0), since: waiting?.receivedSince ?? null };
  }

  /** The backlog and throughput of each stage. */
  async stageLoads(): Promise<StageLoad[]> {
    const [backlog, pace] = await Promise.all([
      this.backlog(),
      this.database.query<{ kind: string; pace: number }>({ name: 'sla-pace', text: PACE }),
    ]);
    return STAGES.map((stage) => {
      const waiting = backlog.find((row) => row.stage === stage);
      const perSecond = pace.rows.find(({ kind }) => kind === KIND_OF[stage])?.pace ?? 0;
      return { stage, backlog: waiting?.count ?? 0, oldestSeconds: Math.max(0, waiting?.oldest ?? 0), perSecond };
    });
  }

  /**
   * Per minute of the last `minutes`, oldest first: leads received, and the median speed of those that reached the CRM.
   */
  async perMinute(minutes: number): Promise<MinuteFigures[]> {
    return (await this.database.query<MinuteFigures>({ name: 'sla-per-minute', text: PER_MINUTE, values: [minutes] })).rows;
  }

  /** The campaigns of the last `minutes`, those with the most breaches first. */
  async byCampaign(minutes: number, slaSeconds: number): Promise<CampaignFigures[]> {
    return (
      await this.database.query<CampaignFigures>({ name: 'sla-campaigns', text: BY_CAMPAIGN, values: [minutes, slaSeconds] })
    ).rows;
  }

  /** Whether the ledger has any lead. */
  async hasLeads(): Promise<boolean> {
    return (await this.database.query<{ hasLeads: boolean }>(HAS_LEADS)).rows[0]!.hasLeads;
  }

  /** Age in seconds of the oldest waiting lead that has never been in the CRM; replays are excluded. */
  async oldestWithoutCrm(): Promise<number> {
    return Math.max(0, ...(await this.backlog()).map(({ oldestUnsynced }) => oldestUnsynced ?? 0));
  }

  async countDead(): Promise<number> {
    return (await this.database.query<{ count: number }>(COUNT_DEAD)).rows[0]!.count;
  }
}

function percentilesOf(values: number[] | null, max: number | null): Percentiles {
  const [p50 = null, p95 = null, p99 = null] = values ?? [];
  return { p50, p95, p99, max };
}
