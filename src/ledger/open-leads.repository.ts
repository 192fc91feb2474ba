import { Injectable } from '@nestjs/common';
import type { OpenState, Stage } from '../domain/lead-state.js';
import { Database } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lead-update-sql.js';

/** The part of an open lead that its job needs. */
export interface OpenLead {
  leadId: string;
  epoch: number;
  state: OpenState;
  /** When its newest content was received. */
  contentAt: Date;
  /** The earliest time of the next attempt; null: at once. */
  nextAttemptAt: Date | null;
  /** Runs after all other leads. */
  lowPriority: boolean;
}

export interface StageBacklog {
  stage: Stage;
  count: number;
  /** Age of the oldest content in seconds. */
  oldest: number;
  /** Leads that have never been in the CRM and were received more than the SLA ago. */
  overdue: number;
  /**
   * Age in seconds of the oldest lead that has never been in the CRM; null where there is none. Replays are excluded,
   * since they were late before.
   */
  oldestUnsynced: number | null;
}

/** The columns of an OpenLead, for a table or row named `l`. */
export const OPEN_LEAD_COLUMNS = `l.id AS "leadId", l.epoch, l.state, l.content_at AS "contentAt", l.next_attempt_at AS "nextAttemptAt",
  l.low_priority AS "lowPriority"`;

const OPEN_LEADS = `
SELECT ${OPEN_LEAD_COLUMNS}
FROM ledger.leads l
WHERE l.state IN ('received', 'enriched') AND l.id > $1 AND l.touched_at < now() - make_interval(secs => $2 / 1000.0)
ORDER BY l.id LIMIT $3`;

/** Only for leads that have not changed since they were read: a changed row already has a newer job. */
const RAISE_EPOCHS = `
UPDATE ledger.leads l SET epoch = l.epoch + 1, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::int[], $3::text[]', 'id, epoch, state')} o
WHERE l.id = o.id AND l.epoch = o.epoch AND l.state = o.state
RETURNING ${OPEN_LEAD_COLUMNS}`;

const RAISE_EPOCHS_OF_DEAD_WORKERS = `
UPDATE ledger.leads l SET epoch = l.epoch + 1, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::int[]', 'id, epoch')} o
WHERE l.id = o.id AND l.epoch = o.epoch AND l.state IN ('received', 'enriched') AND (l.claimed_by IS NULL OR l.claimed_by = ANY ($3))
RETURNING ${OPEN_LEAD_COLUMNS}`;

/** An index-only scan of leads_waiting, so that a large backlog does not make it slow. */
export const BACKLOG = `
SELECT state, count(*)::int AS count, extract(epoch FROM now() - min(content_at))::float AS oldest,
  count(*) FILTER (WHERE first_synced_at IS NULL AND received_at < now() - make_interval(secs => $1))::int AS overdue,
  extract(epoch FROM now() - min(received_at) FILTER (WHERE first_synced_at IS NULL AND NOT low_priority))::float AS "oldestUnsynced"
FROM ledger.leads WHERE state IN ('received', 'enriched') GROUP BY state`;

const STAGE_OF = { received: 'enrichment', enriched: 'crm-sync' } as const;

/** Leads that are not in a final state. */
@Injectable()
export class OpenLeadsRepository {
  constructor(private readonly database: Database) {}

  /** A page of open leads in id order that have not changed for `quietMs`; start with the nil UUID. */
  async openLeads(afterId: string, quietMs: number, limit: number): Promise<OpenLead[]> {
    const values = [afterId, quietMs, limit];
    return (await this.database.query<OpenLead>({ name: 'open-leads', text: OPEN_LEADS, values })).rows;
  }

  /** Gives each lead a new epoch, because the queue may still know the id of its old job as finished. */
  async raiseEpochs(leads: OpenLead[]): Promise<OpenLead[]> {
    const values = columns(leads, ['leadId', 'epoch', 'state']);
    return (await this.database.query<OpenLead>({ name: 'raise-epochs', text: RAISE_EPOCHS, values })).rows;
  }

  /**
   * Gives a new epoch to the jobs' leads that are claimed by one of the dead workers or by none. Their claims stay, so
   * that the next claim sees that a worker crashed with the lead.
   */
  async raiseEpochsOfDeadWorkers(jobs: { leadId: string; epoch: number }[], workers: string[]): Promise<OpenLead[]> {
    const values = [...columns(jobs, ['leadId', 'epoch']), workers];
    const statement = { name: 'raise-epochs-of-dead-workers', text: RAISE_EPOCHS_OF_DEAD_WORKERS, values };
    return (await this.database.query<OpenLead>(statement)).rows;
  }

  /** Leads that wait, per stage; a stage without any is missing. */
  async backlog(slaSeconds: number): Promise<StageBacklog[]> {
    type Row = Omit<StageBacklog, 'stage'> & { state: OpenState };
    const { rows } = await this.database.query<Row>({ name: 'backlog', text: BACKLOG, values: [slaSeconds] });
    return rows.map(({ state, ...row }) => ({ stage: STAGE_OF[state], ...row }));
  }
}
