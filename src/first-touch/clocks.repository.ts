import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import type { ClockPlan } from './clock-plan.js';

/** Why a clock ended. The last four are not acts of the owner. */
export const CLOCK_ENDS = ['touched', 'claimed', 'junk', 'not-mine', 'reassigned', 'owner-changed', 'gone', 'ended'] as const;
export type ClockEnd = (typeof CLOCK_ENDS)[number];

/** What a person did. */
export type Touch = 'status' | 'task' | 'event' | 'converted' | 'claim' | 'reported';

/** A decision for which a clock is made. */
export interface NewClock {
  assignmentId: string;
  leadId: string;
  personKey: string;
  ownerId: string;
  pool: string | null;
  band: string | null;
  rulesVersion: number;
  slaMinutes: number;
  decidedAt: Date;
}

/** A clock that no act of a person has ended. */
export interface OpenClock {
  assignmentId: string;
  leadId: string;
  ownerId: string;
  band: string | null;
  slaMinutes: number;
  pass: number;
  decidedAt: Date;
  /** Null in `waiting` only. */
  startedAt: Date;
  crmLeadId: string | null;
  entryStatus: string | null;
}

/** A decision that reached the CRM, whose clock starts then. */
export type WaitingClock = Omit<OpenClock, 'startedAt'> & { writtenAt: Date };

export interface Ending {
  reason: ClockEnd;
  touch?: { what: Touch; at: Date; businessMinutes: number };
}

export interface ReportedAct {
  clock: OpenClock;
  at: Date;
}

const OPEN = `c.assignment_id AS "assignmentId", c.lead_id AS "leadId", c.owner_id AS "ownerId", c.band,
  c.sla_minutes AS "slaMinutes", c.pass, c.decided_at AS "decidedAt", c.started_at AS "startedAt",
  c.crm_lead_id AS "crmLeadId", c.entry_status AS "entryStatus"`;

/** Rows per statement. */
const BATCH = 500;
/** After so long without an act the clock is no measure any more. */
const OPEN_DAYS = 90;
/** Earlier passes of the same lead count for so long. */
const PASS_DAYS = 30;

const ADD = `
WITH added AS (
  INSERT INTO first_touch.clocks (assignment_id, lead_id, person_key, campaign_id, owner_id, pool, band, rules_version, pass,
    sla_minutes, decided_at)
  SELECT i."assignmentId", i."leadId", l.person_key, l.campaign_id, i."ownerId", i.pool, i.band, i."rulesVersion",
    (SELECT count(*) FROM routing.decision_states p WHERE p.lead_id = i."leadId" AND p.assignment_id < i."assignmentId"
       AND p.end_reason = 'reassigned' AND p.ended_at > now() - make_interval(days => ${PASS_DAYS})),
    i."slaMinutes", i."decidedAt"
  FROM jsonb_to_recordset($1::jsonb) AS i ("assignmentId" bigint, "leadId" uuid, "ownerId" text, pool text, band text,
    "rulesVersion" int, "slaMinutes" int, "decidedAt" timestamptz)
  JOIN ledger.lead_cards l ON l.lead_id = i."leadId"
  JOIN routing.decision_states d ON d.assignment_id = i."assignmentId"
  ON CONFLICT DO NOTHING
)
UPDATE first_touch.position SET assignment_id = $2 WHERE assignment_id < $2`;

const START = `
WITH started AS (
  UPDATE first_touch.clocks c SET started_at = $2, due_at = $3, crm_lead_id = l.crm_lead_id
  FROM ledger.lead_cards l
  WHERE c.assignment_id = $1 AND c.started_at IS NULL AND c.ended_at IS NULL AND l.lead_id = c.lead_id
  RETURNING c.assignment_id
)
INSERT INTO first_touch.steps (assignment_id, position, kind, due_at)
SELECT started.assignment_id, i.position, i.kind, i."dueAt"
FROM started, jsonb_to_recordset($4::jsonb) AS i (position int, kind text, "dueAt" timestamptz)`;

/** Steps of a claim in progress are left to their worker, which finds the clock ended. */
const AFTER_END = `
, steps AS (
  UPDATE first_touch.steps s SET outcome = 'not-needed', ended_at = now() FROM ended
  WHERE s.assignment_id = ended.assignment_id AND s.outcome IS NULL AND s.claimed_until <= now()
), notices AS (
  UPDATE first_touch.notices n SET state = 'not-needed', settled_at = now() FROM ended
  WHERE n.assignment_id = ended.assignment_id AND n.state = 'due' AND n.kind <> 'passed-on'
)
`;

const END = `
WITH ended AS (
  UPDATE first_touch.clocks SET ended_at = now(), end_reason = $2, touch = $3, touched_at = $4, business_minutes = $5
  WHERE assignment_id = $1 AND ended_at IS NULL
  RETURNING assignment_id
)${AFTER_END}
SELECT FROM ended`;

const END_SUPERSEDED = `
WITH ended AS (
  UPDATE first_touch.clocks c SET ended_at = d.ended_at, end_reason = CASE
    WHEN d.end_reason IN ('reassigned', 'not-mine', 'junk') THEN d.end_reason
    WHEN d.end_reason = 'changed-in-crm' THEN 'owner-changed' ELSE 'ended' END
  FROM routing.decision_states d
  WHERE c.ended_at IS NULL AND d.assignment_id = c.assignment_id AND d.ended_at IS NOT NULL
  RETURNING c.assignment_id, c.owner_id, c.end_reason
)${AFTER_END}
SELECT assignment_id AS "assignmentId", owner_id AS "ownerId", end_reason AS "endReason" FROM ended`;

const END_OLD = `
WITH ended AS (
  UPDATE first_touch.clocks SET ended_at = now(), end_reason = 'ended'
  WHERE ended_at IS NULL AND started_at < now() - make_interval(days => ${OPEN_DAYS})
  RETURNING assignment_id
)${AFTER_END}
SELECT FROM ended`;

/** The clocks from an assignment to the first act of a person. */
@Injectable()
export class ClocksRepository {
  constructor(private readonly database: Database) {}

  /** The decision up to which clocks were made. The first time, decisions of the last hour still get theirs. */
  async position(): Promise<string> {
    const select = 'SELECT assignment_id AS id FROM first_touch.position';
    const known = (await this.database.query<{ id: string }>(select)).rows[0];
    if (known) return known.id;
    await this.database.query(
      `INSERT INTO first_touch.position (assignment_id)
       SELECT coalesce(max(assignment_id), 0) FROM routing.decision_states WHERE decided_at < now() - interval '1 hour'
       ON CONFLICT DO NOTHING`,
    );
    return (await this.database.query<{ id: string }>(select)).rows[0]!.id;
  }

  /** Makes clocks and moves the position. Decisions that have one, or whose lead is gone, are left out. */
  async add(clocks: NewClock[], position: string): Promise<void> {
    await this.database.query(ADD, [JSON.stringify(clocks), position]);
  }

  /** Clocks that can start: the CRM has the owner. */
  async waiting(): Promise<WaitingClock[]> {
    const { rows } = await this.database.query<WaitingClock & Record<string, unknown>>(
      `SELECT ${OPEN}, d.written_at AS "writtenAt" FROM first_touch.clocks c
       JOIN routing.decision_states d ON d.assignment_id = c.assignment_id
       WHERE c.started_at IS NULL AND c.ended_at IS NULL AND d.written_at IS NOT NULL AND d.ended_at IS NULL
       ORDER BY c.assignment_id LIMIT ${BATCH}`,
    );
    return rows;
  }

  /** @returns false where another process has started it. */
  async start(assignmentId: string, startedAt: Date, { dueAt, steps }: ClockPlan, on: Queryable): Promise<boolean> {
    const { rows } = await on.query<{ started: boolean }>(
      'SELECT started_at IS NULL AND ended_at IS NULL AS started FROM first_touch.clocks WHERE assignment_id = $1 FOR UPDATE',
      [assignmentId],
    );
    if (!rows[0]?.started) return false;
    await on.query(START, [assignmentId, startedAt, dueAt, JSON.stringify(steps)]);
    return true;
  }

  /** Open clocks by their decisions. */
  async open(assignmentIds: string[]): Promise<OpenClock[]> {
    const text = `SELECT ${OPEN} FROM first_touch.clocks c
      WHERE c.assignment_id = ANY($1) AND c.ended_at IS NULL AND c.started_at IS NOT NULL`;
    return (await this.database.query<OpenClock & Record<string, unknown>>(text, [assignmentIds])).rows;
  }

  /** A clock and whether it has ended, or its decision has; null where its lead is gone. */
  async find(assignmentId: string): Promise<(OpenClock & { personKey: string; endReason: ClockEnd | null }) | null> {
    const { rows } = await this.database.query<OpenClock & { personKey: string; endReason: ClockEnd | null }>(
      `SELECT ${OPEN}, encode(c.person_key, 'hex') AS "personKey",
         coalesce(c.end_reason, CASE WHEN d.ended_at IS NOT NULL THEN 'ended' END) AS "endReason"
       FROM first_touch.clocks c JOIN routing.decision_states d USING (assignment_id)
       WHERE c.assignment_id = $1 AND c.started_at IS NOT NULL`,
      [assignmentId],
    );
    return rows[0] ?? null;
  }

  /** @returns false where it had ended before; then nothing changes. */
  async end(assignmentId: string, { reason, touch }: Ending, on: Queryable = this.database): Promise<boolean> {
    const values = [assignmentId, reason, touch?.what ?? null, touch?.at ?? null, touch?.businessMinutes ?? null];
    return (await on.query(END, values)).rowCount === 1;
  }

  /** Ends clocks whose decision no longer stands. @returns those whose lead went on to another owner. */
  async endSuperseded(on: Queryable): Promise<{ assignmentId: string; ownerId: string }[]> {
    const { rows } = await on.query<{ assignmentId: string; ownerId: string; endReason: ClockEnd }>(END_SUPERSEDED);
    return rows.filter(({ endReason }) => endReason === 'reassigned');
  }

  /** Ends clocks that are too old. */
  async endOld(): Promise<void> {
    await this.database.query(END_OLD);
  }

  /** Open clocks of persons with whom another system reported an act since. */
  async reportedActs(): Promise<ReportedAct[]> {
    const { rows } = await this.database.query<OpenClock & { actAt: Date } & Record<string, unknown>>(
      `SELECT ${OPEN}, a.at AS "actAt" FROM first_touch.clocks c
       CROSS JOIN LATERAL (SELECT r.at FROM feedback.reported_acts r
         WHERE r.person_key = c.person_key AND r.at >= c.started_at ORDER BY r.at LIMIT 1) a
       WHERE c.ended_at IS NULL AND c.started_at IS NOT NULL LIMIT ${BATCH}`,
    );
    return rows.map(({ actAt: at, ...clock }) => ({ clock, at }));
  }

  /** Open clocks whose lead the CRM is asked about now; no other process asks meanwhile. */
  async takeToRead(everyMs: number, limit: number): Promise<OpenClock[]> {
    const { rows } = await this.database.query<OpenClock & Record<string, unknown>>(
      `WITH due AS (
         SELECT assignment_id FROM first_touch.clocks
         WHERE ended_at IS NULL AND started_at IS NOT NULL AND crm_lead_id IS NOT NULL
           AND (read_at IS NULL OR read_at <= now() - make_interval(secs => $1 / 1000.0))
         ORDER BY read_at NULLS FIRST LIMIT $2 FOR UPDATE SKIP LOCKED
       )
       UPDATE first_touch.clocks c SET read_at = now() FROM due WHERE c.assignment_id = due.assignment_id RETURNING ${OPEN}`,
      [everyMs, limit],
    );
    return rows;
  }

  async recordEntryStatus(assignmentId: string, status: string): Promise<void> {
    await this.database.query(
      'UPDATE first_touch.clocks SET entry_status = $2 WHERE assignment_id = $1 AND entry_status IS NULL',
      [assignmentId, status],
    );
  }
}
