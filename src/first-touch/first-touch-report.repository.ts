import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import type { ReportGroup } from './report-groups.js';

/** Clocks that started within the window. Minutes are null where no lead was touched. */
export interface FirstTouchRow {
  /** Null where the clocks have no pool or no band. */
  group: string | null;
  clocks: number;
  /** A person acted. */
  touched: number;
  inTime: number;
  /** The SLA is over, and no person has acted in time. */
  late: number;
  /** No act so far. */
  open: number;
  passedOn: number;
  junk: number;
  /** Working time of the owner from start to touch. */
  businessMinutes: { p50: number | null; p90: number | null };
  /** By the calendar. */
  wallMinutes: { p50: number | null; p90: number | null };
}

/** One clock with its steps, as the journey of a lead shows it. */
export interface ShownClock {
  assignmentId: string;
  ownerId: string;
  pool: string | null;
  band: string | null;
  slaMinutes: number;
  startedAt: string | null;
  dueAt: string | null;
  touch: string | null;
  touchedAt: string | null;
  businessMinutes: number | null;
  endedAt: string | null;
  endReason: string | null;
  steps: { kind: string; dueAt: string; endedAt: string | null; outcome: string | null }[];
}

const COLUMNS: Record<ReportGroup, string> = { owner: 'owner_id', pool: 'pool', campaign: 'campaign_id', band: 'band' };
/** Groups of a report: campaigns are chosen by senders. */
const MAX_GROUPS = 500;
/** Clocks of one journey. */
const MAX_CLOCKS = 50;

const touchedInTime = 'touched_at IS NOT NULL AND touched_at <= due_at';
const minutes = (share: number, of: string) => `percentile_cont(${share}) WITHIN GROUP (ORDER BY ${of})`;
const WALL = 'extract(epoch FROM touched_at - started_at) / 60';

export const REPORT = (group: ReportGroup | null) => `
SELECT ${group ? `${COLUMNS[group]}` : 'NULL::text'} AS "group", count(*)::int AS clocks,
  count(touched_at)::int AS touched,
  count(*) FILTER (WHERE ${touchedInTime})::int AS "inTime",
  count(*) FILTER (WHERE CASE WHEN touched_at IS NULL THEN due_at < coalesce(ended_at, now()) ELSE touched_at > due_at END)::int AS late,
  count(*) FILTER (WHERE ended_at IS NULL)::int AS open,
  count(*) FILTER (WHERE end_reason IN ('reassigned', 'not-mine'))::int AS "passedOn",
  count(*) FILTER (WHERE end_reason = 'junk')::int AS junk,
  jsonb_build_object('p50', ${minutes(0.5, 'business_minutes')}, 'p90', ${minutes(0.9, 'business_minutes')}) AS "businessMinutes",
  jsonb_build_object('p50', ${minutes(0.5, WALL)}, 'p90', ${minutes(0.9, WALL)}) AS "wallMinutes"
FROM first_touch.clocks WHERE started_at >= now() - make_interval(days => $1)
${group ? `GROUP BY ${COLUMNS[group]} ORDER BY count(*) DESC, 1 LIMIT ${MAX_GROUPS}` : ''}`;

const OF_LEAD = `
SELECT c.assignment_id::text AS "assignmentId", c.owner_id AS "ownerId", c.pool, c.band, c.sla_minutes AS "slaMinutes",
  c.started_at AS "startedAt", c.due_at AS "dueAt", c.touch, c.touched_at AS "touchedAt",
  c.business_minutes AS "businessMinutes", c.ended_at AS "endedAt", c.end_reason AS "endReason",
  coalesce((SELECT jsonb_agg(jsonb_build_object('kind', s.kind, 'dueAt', s.due_at, 'endedAt', s.ended_at, 'outcome', s.outcome)
      ORDER BY s.position)
    FROM first_touch.steps s WHERE s.assignment_id = c.assignment_id), '[]') AS steps
FROM first_touch.clocks c WHERE c.lead_id = $1 ORDER BY c.assignment_id LIMIT ${MAX_CLOCKS}`;

/** What the clocks say about owners, pools, campaigns and bands. */
@Injectable()
export class FirstTouchReportRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  /** All clocks that started in the last days, and the same by group. */
  async report(days: number, by: ReportGroup): Promise<{ all: FirstTouchRow; groups: FirstTouchRow[] }> {
    const [all, groups] = await Promise.all([this.rows(null, days), this.rows(by, days)]);
    return { all: all[0]!, groups };
  }

  /** Clocks that run although their SLA is over. */
  async overdue(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM first_touch.clocks WHERE ended_at IS NULL AND due_at < now()',
    );
    return rows[0]!.count;
  }

  /** The clocks of a lead, the first one first. */
  async ofLead(leadId: string): Promise<ShownClock[]> {
    const { rows } = await this.database.query<Record<string, unknown>>(OF_LEAD, [leadId]);
    return rows.map(shown);
  }

  private async rows(by: ReportGroup | null, days: number): Promise<FirstTouchRow[]> {
    return (await this.database.query<FirstTouchRow & Record<string, unknown>>(REPORT(by), [days])).rows;
  }
}

/** Times as all answers have them, those within JSON too. */
function shown(row: Record<string, unknown>): ShownClock {
  const iso = (value: unknown) => (value === null ? null : new Date(value as string | Date).toISOString());
  const { steps, startedAt, dueAt, touchedAt, endedAt, ...rest } = row;
  return {
    ...rest,
    startedAt: iso(startedAt),
    dueAt: iso(dueAt),
    touchedAt: iso(touchedAt),
    endedAt: iso(endedAt),
    steps: (steps as ShownClock['steps']).map((step) => ({ ...step, dueAt: iso(step.dueAt)!, endedAt: iso(step.endedAt) })),
  } as ShownClock;
}
