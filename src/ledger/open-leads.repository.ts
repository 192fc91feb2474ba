import { Injectable } from '@nestjs/common';
import { groupOfPlace, jobIdsOf, type LeadReference, type PlaceInQueue } from '../domain/lead-jobs.js';
import type { OpenState, Stage } from '../domain/lead-state.js';
import { reuseResult } from '../platform/concurrency/reuse-result.js';
import { Database } from '../platform/database/database.js';
import { columns, uuidColumn } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lead-update-sql.js';

/** The part of an open lead that its job needs. */
export interface OpenLead extends LeadReference, PlaceInQueue {
  state: OpenState;
  /** The job that names the lead, if it still exists. */
  jobId: string;
}

/** The leads of a stage. */
export interface StageCounts {
  waiting: number;
  /** Claimed by a run. */
  active: number;
  /** Wait for the time of their next attempt. */
  delayed: number;
  /** Dead letters. */
  failed: number;
}

export interface StageBacklog {
  stage: Stage;
  count: number;
  /** Age of the oldest content in seconds. */
  oldest: number;
  /** Leads that have never been in the CRM and were received more than the SLA ago. */
  overdue: number;
  /** When the earliest of them was first received. */
  receivedSince: Date;
  /**
   * Age in seconds of the oldest lead that has never been in the CRM; null where there is none. Replays are excluded,
   * since they were late before.
   */
  oldestUnsynced: number | null;
}

/** The id of the job that names a lead of table or row `l`. Jobs of earlier versions name one lead. */
export const JOB_ID = "coalesce(l.job_id::text, l.id || '.' || l.epoch)";

/** The columns of an OpenLead, for a table or row named `l`. */
export const OPEN_LEAD_COLUMNS = `l.id AS "leadId", l.epoch, l.state, l.content_at AS "contentAt", l.next_attempt_at AS "nextAttemptAt",
  l.low_priority AS "lowPriority", ${JOB_ID} AS "jobId"`;

const OPEN_LEADS = `
SELECT ${OPEN_LEAD_COLUMNS}
FROM ledger.leads l
WHERE l.state IN ('received', 'enriched') AND l.id > $1 AND l.touched_at < now() - make_interval(secs => $2 / 1000.0)
ORDER BY l.id LIMIT $3`;

/** Only for leads that have not changed since they were read: a changed row already has a newer job. */
const RAISE_EPOCHS = `
UPDATE ledger.leads l SET epoch = l.epoch + 1, job_id = o.job_id, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::int[], $3::text[], $4::uuid[]', 'id, epoch, state, job_id')} o
WHERE l.id = o.id AND l.epoch = o.epoch AND l.state = o.state
RETURNING ${OPEN_LEAD_COLUMNS}`;

/**
 * A lead of the job may have gone on and have a job that its worker did not add any more. It has a higher epoch then.
 */
const OPEN_LEADS_OF_JOBS = `
SELECT ${OPEN_LEAD_COLUMNS}
FROM unnest($1::uuid[], $2::int[]) AS o (id, epoch) JOIN ledger.leads l ON l.id = o.id
WHERE l.epoch >= o.epoch AND l.state IN ('received', 'enriched') AND (l.claimed_by IS NULL OR l.claimed_by = ANY ($3))`;

/** An index-only scan of leads_waiting, so that a large backlog does not make it slow. */
export const BACKLOG = `
SELECT state, count(*)::int AS count, extract(epoch FROM now() - min(content_at))::float AS oldest,
  count(*) FILTER (WHERE first_synced_at IS NULL AND received_at < now() - make_interval(secs => $1))::int AS overdue,
  min(received_at) AS "receivedSince",
  extract(epoch FROM now() - min(received_at) FILTER (WHERE first_synced_at IS NULL AND NOT low_priority))::float AS "oldestUnsynced"
FROM ledger.leads WHERE state IN ('received', 'enriched') GROUP BY state`;

/** One index-only scan of leads_waiting. */
export const COUNT_OPEN = `
SELECT state, count(*)::int AS count FROM ledger.leads WHERE state IN ('received', 'enriched') GROUP BY state`;

/** To count more takes a tenth of a second and longer, so a page does not wait for it. */
export const MANY_OPEN = 100_000;

/**
 * Only few leads are claimed, and the queue knows their ids: an index of claims would cost each claim a write. $1 are
 * the leads of the jobs that workers have fetched.
 */
export const COUNT_STAGES = `
SELECT s.stage, s.state,
  (SELECT count(*) FROM ledger.leads l WHERE l.id = ANY ($1::uuid[]) AND l.state = s.state AND l.claimed_by IS NOT NULL)::int AS active,
  (SELECT count(*) FROM ledger.leads l WHERE l.next_attempt_at > now() AND l.state = s.state AND l.claimed_by IS NULL)::int AS delayed,
  (SELECT count(*) FROM ledger.leads l WHERE l.state = 'dead' AND l.last_error->>'stage' = s.stage)::int AS failed
FROM (VALUES ('enrichment', 'received'), ('crm-sync', 'enriched')) s (stage, state)`;

const STAGE_OF = { received: 'enrichment', enriched: 'crm-sync' } as const;

/** Leads that are not in a final state. */
@Injectable()
export class OpenLeadsRepository {
  private readonly countOpen: () => Promise<Partial<Record<OpenState, number>>>;

  constructor(private readonly database: Database) {
    this.countOpen = reuseResult(
      0,
      () => this.readOpen(),
      ({ received = 0, enriched = 0 }) => received + enriched > MANY_OPEN,
    );
  }

  /** A page of open leads in id order that have not changed for `quietMs`; start with the nil UUID. */
  async openLeads(afterId: string, quietMs: number, limit: number): Promise<OpenLead[]> {
    const values = [afterId, quietMs, limit];
    return (await this.database.query<OpenLead>({ name: 'open-leads', text: OPEN_LEADS, values })).rows;
  }

  /**
   * Gives each lead a new job and a new epoch, which makes its former job outdated. A lead that has changed since it
   * was read is left out.
   */
  async raiseEpochs(leads: OpenLead[]): Promise<OpenLead[]> {
    const jobIds = jobIdsOf(leads, (lead) => `${lead.state}|${groupOfPlace(lead)}`);
    const values = [...columns(leads, ['leadId', 'epoch', 'state']), uuidColumn(jobIds)];
    return (await this.database.query<OpenLead>({ name: 'raise-epochs', text: RAISE_EPOCHS, values })).rows;
  }

  /** The open leads of these jobs that are claimed by one of the dead workers or by none. */
  async openLeadsOfDeadWorkers(leads: LeadReference[], workers: string[]): Promise<OpenLead[]> {
    const values = [...columns(leads, ['leadId', 'epoch']), workers];
    return (await this.database.query<OpenLead>({ name: 'leads-of-dead-workers', text: OPEN_LEADS_OF_JOBS, values })).rows;
  }

  /**
   * Counts the leads of both stages; `fetched` are the leads of jobs that workers have fetched. Where more than
   * MANY_OPEN are open, their number is the one that the call before read, at most a minute ago.
   */
  async countStages(fetched: LeadReference[]): Promise<Record<Stage, StageCounts>> {
    type Row = Omit<StageCounts, 'waiting'> & { stage: Stage; state: OpenState };
    const values = [uuidColumn(fetched.map(({ leadId }) => leadId))];
    const [open, { rows }] = await Promise.all([
      this.countOpen(),
      this.database.query<Row>({ name: 'count-stages', text: COUNT_STAGES, values }),
    ]);
    return Object.fromEntries(
      rows.map(({ stage, state, ...counts }) => {
        const waiting = Math.max(0, (open[state] ?? 0) - counts.active - counts.delayed);
        return [stage, { waiting, ...counts }];
      }),
    ) as Record<Stage, StageCounts>;
  }

  private async readOpen(): Promise<Partial<Record<OpenState, number>>> {
    type Row = { state: OpenState; count: number };
    const { rows } = await this.database.query<Row>({ name: 'count-open', text: COUNT_OPEN });
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** Leads that wait, per stage; a stage without any is missing. */
  async backlog(slaSeconds: number): Promise<StageBacklog[]> {
    type Row = Omit<StageBacklog, 'stage'> & { state: OpenState };
    const { rows } = await this.database.query<Row>({ name: 'backlog', text: BACKLOG, values: [slaSeconds] });
    return rows.map(({ state, ...row }) => ({ stage: STAGE_OF[state], ...row }));
  }
}
