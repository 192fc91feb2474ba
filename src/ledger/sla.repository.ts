import { stageDueIn, STAGES, type Stage } from '../domain/lead-state.js';
import type { Pool } from '../platform/database/pool.js';
import { backlog } from './open-leads.repository.js';

/** Seconds; null where no lead was measured. */
export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

/** Leads that first reached the CRM within the window, by how long they took. */
export interface Arrivals {
  count: number;
  /** Later than the SLA. */
  late: number;
  speedToLead: Percentiles;
  /** From receipt to score, and from score to CRM: together they are the speed to lead. */
  stages: Record<Stage, Percentiles>;
  /** Leads up to each bound and above the one before it; the last has no bound. */
  histogram: { upTo: number | null; count: number }[];
}

/** Leads that have not reached the CRM and are late already. */
export interface Overdue {
  waiting: number;
  /** Given up within the window. */
  dead: number;
}

export interface StageLoad {
  stage: Stage;
  backlog: number;
  /** Age in seconds of the oldest content that waits; 0 where none does. */
  oldestSeconds: number;
  /** Leads that pass the stage a second, of late. */
  perSecond: number;
}

/** Of a column pair: one sort of the window each. */
const percentiles = (name: string, seconds: string) => `
  percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ${seconds}) AS ${name}, max(${seconds}) AS ${name}_max`;

const ARRIVALS = `
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

/** Reads the index of first arrivals alone, and of it the window. */
export async function arrivals(pool: Pool, minutes: number, slaSeconds: number, bounds: number[]): Promise<Arrivals> {
  const { rows } = await pool.query<ArrivalsRow>({ name: 'sla-arrivals', text: ARRIVALS, values: [minutes, slaSeconds, bounds] });
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

function percentilesOf(values: number[] | null, max: number | null): Percentiles {
  const [p50 = null, p95 = null, p99 = null] = values ?? [];
  return { p50, p95, p99, max };
}

const OVERDUE = `
SELECT
  (SELECT count(*)::int FROM ledger.leads
   WHERE state IN ('received', 'enriched') AND crm IS NULL AND received_at < now() - make_interval(secs => $2)) AS waiting,
  (SELECT count(*)::int FROM ledger.leads
   WHERE state = 'dead' AND crm IS NULL AND died_at > now() - make_interval(mins => $1)) AS dead`;

export async function overdue(pool: Pool, minutes: number, slaSeconds: number): Promise<Overdue> {
  const { rows } = await pool.query<Overdue>({ name: 'sla-overdue', text: OVERDUE, values: [minutes, slaSeconds] });
  return rows[0]!;
}

/** Replays were late before, and somebody has seen to them; of a revision sales has the lead already. */
export async function oldestWithoutCrm(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ oldest: number }>(
    // Materialised, or the planner may look for the least time by walking all leads from the oldest on.
    `WITH waiting AS MATERIALIZED (
       SELECT received_at FROM ledger.leads WHERE state IN ('received', 'enriched') AND crm IS NULL AND NOT low_priority
     )
     SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0)::float AS oldest FROM waiting`,
  );
  return rows[0]!.oldest;
}

export async function countDead(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("SELECT count(*)::int AS count FROM ledger.leads WHERE state = 'dead'");
  return rows[0]!.count;
}

/** The better of the last ten seconds and the last minute: at the start of a burst the minute before it tells nothing. */
const PACE = `
SELECT kind, greatest(count(*) / 60.0, count(*) FILTER (WHERE at > now() - interval '10 seconds') / 10.0)::float AS pace
FROM ledger.events WHERE at > now() - interval '1 minute' AND kind IN ('enriched', 'synced') GROUP BY kind`;

const KIND_OF = { enrichment: 'enriched', 'crm-sync': 'synced' } as const;

/** What waits for each stage, and how fast it goes. */
export async function stageLoads(pool: Pool): Promise<StageLoad[]> {
  const [waiting, pace] = await Promise.all([
    backlog(pool),
    pool.query<{ kind: string; pace: number }>({ name: 'sla-pace', text: PACE }),
  ]);
  return STAGES.map((stage) => {
    const row = waiting.find(({ state }) => stageDueIn(state) === stage);
    const perSecond = pace.rows.find(({ kind }) => kind === KIND_OF[stage])?.pace ?? 0;
    return { stage, backlog: row?.count ?? 0, oldestSeconds: Math.max(0, row?.oldest ?? 0), perSecond };
  });
}
