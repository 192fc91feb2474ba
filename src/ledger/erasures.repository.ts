import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../domain/error-catalog.js';
import { Database } from '../platform/database/database.js';
import { END_CLAIM, RAISE_FENCE, TOUCH_AND_NUMBER_EVENT, writeEvents } from './lead-update-sql.js';
import { eraseMarketoPerson, EXPORT_MARKETO, pruneMarketoErasures, waitForRepairs } from './marketo-erasures.repository.js';
import { JOB_ID, OPEN_LEAD_COLUMNS, type OpenLead } from './open-leads.repository.js';

export interface PersonToErase {
  personKey: string;
  /** Ids of refused requests that mention the address. */
  rejections: string[];
  /** How many leads of the person were in the spool. */
  spooled: number;
  /** The operator's name. */
  who: string;
  /** How long a run in progress may take to end. */
  graceMs: number;
}

/** Rows removed per store. */
export interface ErasedCounts {
  leads: number;
  events: number;
  rejections: number;
  spool: number;
  alerts: number;
  /** Outcomes, first score and followed records. Absent in receipts of earlier versions. */
  outcomes?: number;
  /** Scores of trials. Absent in receipts of earlier versions. */
  trials?: number;
  /** Jobs that named a lead. Null where the queue did not answer: a job has only ids, and ends without its leads. */
  jobs: number | null;
}

export interface ErasedPerson {
  receipt: string;
  counts: ErasedCounts;
  /** The leads that were removed, whose jobs the queue shall remove. */
  leads: { leadId: string; jobId: string }[];
}

/** What an erasure did and still has to do. It contains no personal data. */
export interface Receipt {
  id: string;
  at: Date;
  who: string;
  counts: ErasedCounts;
  crm: 'pending' | 'done' | 'by-hand';
  crmCount: number;
  /** While pending: whether the CRM has answered once. */
  asked: boolean;
  /** While pending: the time of the last call to the CRM. */
  finalAt: Date;
  lastCode: string | null;
  doneAt: Date | null;
}

/** A person whose data in the CRM shall be erased. */
export interface DueErasure {
  id: string;
  personKey: string;
  failures: number;
}

/** Rows as stored, for the person's export. */
export interface HeldData {
  leads: Record<string, unknown>[];
  mockCrm: Record<string, unknown>[];
  outcomes: Record<string, unknown>[];
  /** What Marketo was sent, and the webhook calls of its log. */
  marketo: Record<string, unknown>[];
  /** Scores that trials of other scorers gave. */
  trials: Record<string, unknown>[];
}

const DELETE_LEADS = `
DELETE FROM ledger.leads l WHERE id = ANY ($1)
RETURNING id, ${JOB_ID} AS "jobId", (claimed_by IS NOT NULL OR state IN ('received', 'enriched')
  OR touched_at > now() - make_interval(secs => $2 / 1000.0)) AS unsettled`;

const ERASE_FROM_BULK_ACTIONS = `
UPDATE ledger.bulk_actions b
SET lead_ids = ARRAY(SELECT id FROM unnest(b.lead_ids) id WHERE id <> ALL ($1::uuid[])),
    open_ids = ARRAY(SELECT o.id FROM unnest(b.open_ids) WITH ORDINALITY o(id, n) WHERE o.id <> ALL ($1::uuid[]) ORDER BY o.n),
    refused = coalesce((SELECT jsonb_agg(r.refusal ORDER BY r.n) FROM jsonb_array_elements(b.refused) WITH ORDINALITY r(refusal, n)
      WHERE r.refusal->>'id' <> ALL ($1::text[])), '[]')
WHERE b.lead_ids && $1::uuid[] OR b.open_ids && $1::uuid[]
  OR EXISTS (SELECT FROM jsonb_array_elements(b.refused) r WHERE r->>'id' = ANY ($1::text[]))`;

const RECEIPT = `
SELECT id, at, who, counts, crm, crm_count AS "crmCount", final_at AS "finalAt",
  asked_at IS NOT NULL AS asked, last_code AS "lastCode", done_at AS "doneAt"
FROM ledger.erasures WHERE id = $1`;

/**
 * Records that the CRM has erased the person: final once every earlier run has ended, else until the last pass. Leads
 * sent again since may have been in the CRM at that time, and are gone from it too. They are synced once more, and the
 * raised fence makes a run in progress start over.
 */
const RECORD_ERASED = `
WITH held AS ( -- in id order, as lockInIdOrder
  SELECT id FROM ledger.leads WHERE person_key = decode($2, 'hex') ORDER BY id FOR NO KEY UPDATE
), again AS (
  UPDATE ledger.leads l
  SET state = 'enriched', epoch = l.epoch + 1, job_id = gen_random_uuid(), next_attempt_at = NULL, ${RAISE_FENCE}, ${END_CLAIM}, ${TOUCH_AND_NUMBER_EVENT}
  FROM held WHERE l.id = held.id AND l.state IN ('enriched', 'synced')
  RETURNING l.id, l.epoch, l.state, l.content_at, l.next_attempt_at, l.low_priority, l.job_id, l.event_seq
), audited AS (${writeEvents(`'resync'`, `'{"reason": "the CRM was asked to forget what it had before"}'`, 'again')}
), done AS (
  UPDATE ledger.erasures SET crm_count = crm_count + $3, failures = 0, last_code = NULL, asked_at = now(),
    crm = CASE WHEN final_at <= now() THEN 'done' ELSE crm END,
    person_key = CASE WHEN final_at <= now() THEN NULL ELSE person_key END,
    done_at = CASE WHEN final_at <= now() THEN now() END,
    next_at = final_at
  WHERE id = $1
)
SELECT ${OPEN_LEAD_COLUMNS} FROM again l`;

const EXPORT_LEADS = `
SELECT to_jsonb(l) || jsonb_build_object('events', coalesce((
  SELECT jsonb_agg(to_jsonb(e) - 'lead_id' ORDER BY e.seq) FROM ledger.events e WHERE e.lead_id = l.id), '[]')) AS record
FROM ledger.leads l WHERE l.person_key = decode($1, 'hex') ORDER BY l.received_at, l.id`;

const EXPORT_MOCK_CRM = "SELECT record FROM mock_crm.held_records WHERE person_key = decode($1, 'hex')";

const EXPORT_OUTCOMES = `
SELECT record || jsonb_build_object('record', record_kind) AS record
FROM (SELECT * FROM feedback.held_records UNION ALL SELECT * FROM routing.held_records
  UNION ALL SELECT * FROM first_touch.held_records) held
WHERE person_key = decode($1, 'hex') ORDER BY at`;

const EXPORT_TRIALS = "SELECT record FROM trials.held_records WHERE person_key = decode($1, 'hex') ORDER BY at";

/** Export and erasure of a person's data. */
@Injectable()
export class ErasuresRepository {
  constructor(private readonly database: Database) {}

  /**
   * Removes all rows of the person in one commit. Runs in progress cannot restore them. A run writes with an UPDATE of
   * its row and fence, and a later claim finds no row. A lead that is sent again gets a new row with a new fence. A
   * statement that holds a row lock now is waited for. Its event is removed too, since events are deleted after their
   * leads. Only the CRM can still be written, by a run that has read its row before. `unsettled` rows therefore make
   * the CRM's erasure wait and repeat.
   */
  erasePerson({ personKey, rejections, spooled, who, graceMs }: PersonToErase): Promise<ErasedPerson> {
    return this.database.transaction(async (transaction) => {
      const remove = async (text: string, values: unknown[]) => (await transaction.query(text, values)).rowCount ?? 0;
      await waitForRepairs(transaction);
      // The lock order of webhook batches; another order could deadlock. So could a lead that is committed after this
      // statement: it was sent during the erasure and stays.
      const locked = await transaction.query<{ id: string }>(
        `SELECT id FROM ledger.leads WHERE person_key = decode($1, 'hex') ORDER BY id FOR UPDATE`,
        [personKey],
      );
      await eraseMarketoPerson(transaction, personKey);
      const deleted = await transaction.query<{ id: string; jobId: string; unsettled: boolean }>(DELETE_LEADS, [
        locked.rows.map(({ id }) => id),
        graceMs,
      ]);
      const ids = deleted.rows.map(({ id }) => id);
      const alerts = await transaction.query<{ count: number }>('SELECT flow.erase_alerts($1) AS count', [ids]);
      const outcomes = await transaction.query<{ count: number }>("SELECT feedback.erase_person(decode($1, 'hex')) AS count", [
        personKey,
      ]);
      // After feedback.erase_person, whose lock the writers of these rows hold shared.
      const trials = await transaction.query<{ count: number }>("SELECT trials.erase_person(decode($1, 'hex')) AS count", [
        personKey,
      ]);
      const counts: ErasedCounts = {
        leads: ids.length,
        events: await remove('DELETE FROM ledger.events WHERE lead_id = ANY($1)', [ids]),
        // A request that was replayed with a corrected address belongs to the person, whatever address its body has.
        rejections: await remove('DELETE FROM ledger.rejections WHERE id = ANY($1) OR replayed_as = ANY($2)', [rejections, ids]),
        spool: spooled,
        alerts: alerts.rows[0]!.count,
        outcomes: outcomes.rows[0]!.count,
        trials: trials.rows[0]!.count,
        jobs: null,
      };
      // Lead ids are derived from the e-mail, so they identify the person and are removed.
      await transaction.query(
        `UPDATE ledger.operator_acts SET detail = detail - 'leadId' WHERE detail->>'leadId' = ANY($1::text[])`,
        [ids],
      );
      await transaction.query(ERASE_FROM_BULK_ACTIONS, [ids]);
      const receipt = await transaction.query<{ id: string }>(
        `INSERT INTO ledger.erasures (who, counts, person_key, final_at)
         VALUES ($1, $2, decode($3, 'hex'), now() + make_interval(secs => $4 / 1000.0)) RETURNING id`,
        [who, JSON.stringify(counts), personKey, deleted.rows.some(({ unsettled }) => unsettled) ? graceMs : 0],
      );
      const { id } = receipt.rows[0]!;
      await transaction.query("SELECT ledger.record_act($1, 'erase', $2)", [who, JSON.stringify({ receipt: id, ...counts })]);
      return { receipt: id, counts, leads: deleted.rows.map((row) => ({ leadId: row.id, jobId: row.jobId })) };
    });
  }

  /**
   * The mock CRM's tables are in this database, so their content is part of the export. An external CRM is not read:
   * the export lists the person's ids in it.
   */
  async exportPerson(personKey: string): Promise<HeldData> {
    const records = async (text: string) =>
      (await this.database.query<{ record: Record<string, unknown> }>(text, [personKey])).rows.map(({ record }) => record);
    const [leads, mockCrm, outcomes, marketo, trials] = await Promise.all(
      [EXPORT_LEADS, EXPORT_MOCK_CRM, EXPORT_OUTCOMES, EXPORT_MARKETO, EXPORT_TRIALS].map(records),
    );
    return { leads: leads!, mockCrm: mockCrm!, outcomes: outcomes!, marketo: marketo!, trials: trials! };
  }

  async findReceipt(id: string): Promise<Receipt | null> {
    return (await this.database.query<Receipt>(RECEIPT, [id])).rows[0] ?? null;
  }

  async recordErasedJobs(id: string, jobs: number): Promise<void> {
    const text = `UPDATE ledger.erasures SET counts = counts || jsonb_build_object('jobs', $2::int) WHERE id = $1`;
    await this.database.query(text, [id, jobs]);
  }

  async dueErasures(limit: number): Promise<DueErasure[]> {
    const { rows } = await this.database.query<DueErasure>(
      `SELECT id, encode(person_key, 'hex') AS "personKey", failures FROM ledger.erasures
       WHERE person_key IS NOT NULL AND next_at <= now() ORDER BY next_at LIMIT $1`,
      [limit],
    );
    return rows;
  }

  /** The id of the newest erasure, or null. When it changes, processes clear the content that they cache in memory. */
  async lastErasure(): Promise<string | null> {
    const { rows } = await this.database.query<{ id: string }>('SELECT id FROM ledger.erasures ORDER BY at DESC LIMIT 1');
    return rows[0]?.id ?? null;
  }

  /** Records that the CRM has erased `records` records of the person. @returns leads that need a job for crm-sync. */
  async recordForgotten({ id, personKey }: DueErasure, records: number): Promise<OpenLead[]> {
    return (await this.database.query<OpenLead>(RECORD_ERASED, [id, personKey, records])).rows;
  }

  /** Records that this CRM cannot erase a person, so an operator must. */
  async leaveToHand(id: string): Promise<void> {
    const text = "UPDATE ledger.erasures SET crm = 'by-hand', person_key = NULL, done_at = now() WHERE id = $1";
    await this.database.query(text, [id]);
  }

  async postponeErasure(id: string, delayMs: number, code: ErrorCode): Promise<void> {
    await this.database.query(
      `UPDATE ledger.erasures SET failures = failures + 1, last_code = $3, next_at = now() + make_interval(secs => $2 / 1000.0)
       WHERE id = $1`,
      [id, delayMs, code],
    );
  }

  /**
   * Schedules another erasure in the CRM where a run wrote to it after its lead was erased.
   * @returns whether the lead was erased.
   */
  async eraseAgainIfGone({ id, personKey }: { id: string; personKey: string }): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `INSERT INTO ledger.erasures (who, counts, person_key, final_at)
       SELECT 'late write', '{}', decode($2, 'hex'), now() WHERE NOT EXISTS (SELECT 1 FROM ledger.leads WHERE id = $1)`,
      [id, personKey],
    );
    return rowCount === 1;
  }

  /**
   * Removes the finished entries of `eraseAgainIfGone`, and what the comparison with Marketo needs no more. Receipts of
   * erasures are kept: they contain no personal data.
   */
  async prune(): Promise<void> {
    await this.database.query("DELETE FROM ledger.erasures WHERE who = 'late write' AND done_at < now() - interval '1 day'");
    await pruneMarketoErasures(this.database);
  }
}
