import { Inject, Injectable } from '@nestjs/common';
import { jobIdsOf } from '../domain/lead-jobs.js';
import type { LeadInput } from '../domain/lead.js';
import type { Config } from '../platform/config/config.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { mayBeCausedByOneItem } from '../platform/database/database-errors.js';
import { columns, jsonColumn, uuidColumn } from '../platform/database/unnest-columns.js';
import { ACCEPT_DATABASE, CONFIG } from '../platform/platform.module.js';
import { IgnoredAttributes } from './ignored-attributes.js';
import {
  FORGET_SCORE,
  lockInIdOrder,
  NUMBER_EVENT,
  RAISE_FENCE,
  removeMiddleEvents,
  RESET_CLAIM,
  TOUCH_AND_NUMBER_EVENT,
  writeEvents,
} from './lead-update-sql.js';
import { overloaded, StatementBatcher } from './statement-batcher.js';

/** A validated lead with its keys, ready to be committed. */
export interface LeadToAccept extends LeadInput {
  id: string;
  personKey: string;
  /** The webhook's trace context; see migrations/0008_trace.sql. */
  traceparent?: string | null;
}

/** A lead that was stored in the spool while PostgreSQL was down. */
export interface SpooledLead extends LeadToAccept {
  /** Time of receipt, ISO 8601. */
  receivedAt: string;
  /** Its entry in the spool. It prevents a second event if the entry is drained twice. */
  entry: string;
}

export interface AcceptedLead {
  leadId: string;
  outcome: 'accepted' | 'updated' | 'duplicate';
  revision: number;
  epoch: number;
  /** The job that shall bring the lead forward; of a duplicate, it does not exist. */
  jobId: string;
}

/**
 * One statement, so one commit, for the whole batch. An existing row is revised only if merging the sent fields into it
 * changes something other than ignored attributes; a missing field removes nothing. Spooled content that is older than
 * the row's newest makes no revision. Rows that the WHERE excludes are not returned: those are the duplicates. Times of
 * a batch are spaced by microseconds to keep the order of arrival, which decides a person's newest content. Rows are
 * locked in id order, so that two batches cannot deadlock.
 */
const ACCEPT = `
WITH accepted AS (
  INSERT INTO ledger.leads AS l
    (id, person_key, email, email_raw, campaign_id, name, attributes, traceparent, job_id, received_at, content_at)
  SELECT i.id, decode(i.person_key, 'hex'), i.email, i.email_raw, i.campaign_id, i.name, i.attributes::jsonb, i.traceparent,
    i.job_id, i.at, i.at
  FROM (
    SELECT *, coalesce(i.received_at, now() + i.ordinal * interval '8 microseconds') AS at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $9::timestamptz[], $11::text[],
      $13::uuid[])
      WITH ORDINALITY AS i (id, person_key, email, email_raw, campaign_id, name, attributes, received_at, traceparent, job_id, ordinal)
  ) i
  ORDER BY i.id
  ON CONFLICT (id) DO UPDATE SET
    replaced = jsonb_build_object('name', l.name, 'attributes', l.attributes),
    name = coalesce(excluded.name, l.name),
    attributes = ledger.merge_attributes(l.attributes, excluded.attributes),
    email_raw = excluded.email_raw,
    traceparent = excluded.traceparent,
    state = 'received',
    revision = l.revision + 1,
    epoch = l.epoch + 1, job_id = excluded.job_id,
    ${RAISE_FENCE}, ${RESET_CLAIM}, claimed_at = NULL,
    first_scoring_at = NULL, low_priority = false, died_at = NULL,
    enrichment_attempts = 0, crm_sync_attempts = 0, next_attempt_at = NULL, last_error = NULL,
    ${FORGET_SCORE}, synced_at = NULL, rescore_at = '-infinity', rescore_attempts = 0, crm_owed = false,
    first_synced_at = CASE WHEN l.crm IS NULL THEN l.first_synced_at ELSE coalesce(l.first_synced_at, '-infinity') END,
    content_at = greatest(excluded.content_at, l.content_at + interval '1 microsecond'),
    ${TOUCH_AND_NUMBER_EVENT}
  WHERE (coalesce(excluded.name, l.name) IS DISTINCT FROM l.name
      OR ledger.merge_attributes(l.attributes, excluded.attributes) - $8::text[] IS DISTINCT FROM l.attributes - $8::text[])
    AND (NOT $10::boolean OR excluded.content_at >= l.content_at)
  RETURNING l.id, l.revision, l.epoch, l.event_seq, l.name, l.attributes, l.replaced
), audited AS (
  INSERT INTO ledger.events (lead_id, seq, kind, detail)
  SELECT id, event_seq,
    CASE WHEN event_seq = 1 THEN 'received' ELSE 'revised' END,
    CASE WHEN event_seq = 1 THEN jsonb_build_object('revision', revision)
         ELSE jsonb_build_object('revision', revision, 'changed', ledger.changed_fields(replaced, name, attributes))
           || ledger.removed_fields(replaced->'attributes', attributes) END
      || CASE WHEN noted.notes IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('notes', noted.notes::jsonb) END
  FROM accepted LEFT JOIN unnest($1::uuid[], $12::text[]) AS noted (id, notes) USING (id)
), ${removeMiddleEvents('accepted')}
SELECT id, revision, epoch, event_seq FROM accepted`;

interface Row {
  id: string;
  revision: number;
  epoch: number;
  event_seq: number;
}

/** One statement cannot write a row twice, so a new run starts at each id that the current run already has. */
function runsOfDistinctIds(leads: SpooledLead[]): SpooledLead[][] {
  const runs: SpooledLead[][] = [];
  let ids = new Set<string>();
  for (const lead of leads) {
    if (runs.length === 0 || ids.has(lead.id)) {
      runs.push([]);
      ids = new Set();
    }
    ids.add(lead.id);
    runs.at(-1)!.push(lead);
  }
  return runs;
}

const RECORD_LATE_CONTENT = `
WITH late AS (
  UPDATE ledger.leads l SET ${NUMBER_EVENT}
  FROM ${lockInIdOrder('$1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]', 'id, received_at, entry, name, attributes')} i
  WHERE l.id = i.id AND l.content_at > i.received_at
    AND (coalesce(i.name, l.name) IS DISTINCT FROM l.name
      OR (l.attributes || i.attributes::jsonb) - $6::text[] IS DISTINCT FROM l.attributes - $6::text[])
    AND NOT EXISTS (SELECT 1 FROM ledger.events e WHERE e.lead_id = l.id AND e.detail->>'entry' = i.entry)
  RETURNING l.id, l.event_seq, i.received_at, i.entry, i.name, i.attributes
)
${writeEvents(
  `'late-content'`,
  `jsonb_build_object('receivedAt', received_at, 'entry', entry, 'name', name, 'attributes', attributes::jsonb)`,
  'late',
)}`;

/** Accepts a batch of distinct leads in one statement. Results are in the order of the input. */
export async function acceptLeads(
  database: Queryable,
  leads: (LeadToAccept & { receivedAt?: string })[],
  ignored: string[],
  spooled: boolean,
): Promise<AcceptedLead[]> {
  const jobIds = jobIdsOf(leads);
  const { rows } = await database.query<Row>({
    name: 'accept-leads',
    text: ACCEPT,
    values: [
      ...columns(leads, ['id', 'personKey', 'email', 'emailRaw', 'campaignId', 'name']),
      jsonColumn(leads, (lead) => lead.attributes),
      ignored,
      ...columns(leads, ['receivedAt']),
      spooled,
      ...columns(leads, ['traceparent']),
      leads.map(({ notes }) => (notes ? JSON.stringify(notes) : null)),
      uuidColumn(jobIds),
    ],
  });
  const committed = new Map(rows.map((row) => [row.id, row]));
  return leads.map(({ id }, index): AcceptedLead => {
    const row = committed.get(id);
    const jobId = jobIds[index]!;
    if (!row) return { leadId: id, outcome: 'duplicate', revision: 0, epoch: 0, jobId };
    const outcome = row.event_seq === 1 ? 'accepted' : 'updated';
    return { leadId: id, outcome, revision: row.revision, epoch: row.epoch, jobId };
  });
}

/** The most characters in the attributes of waiting leads: one lead may be a thousand times larger than the average. */
const MAX_WAITING_CHARACTERS = 64_000_000;

/** Commits leads: webhooks on the connections of the ack path, the spool on the others. */
@Injectable()
export class IntakeRepository {
  private readonly accepting: StatementBatcher<LeadToAccept, AcceptedLead>;
  /** The newest request in progress per lead, so that its exact repeats share its commit. */
  private readonly newest = new Map<string, { content: string; answer: Promise<AcceptedLead> }>();
  private waitingCharacters = 0;
  /** Attributes whose changes make no revision. */
  private readonly ignored: IgnoredAttributes;

  constructor(
    @Inject(ACCEPT_DATABASE) private readonly acceptDatabase: Database,
    private readonly database: Database,
    @Inject(CONFIG) config: Pick<Config, 'CONTENT_IGNORE'>,
  ) {
    this.ignored = new IgnoredAttributes(config.CONTENT_IGNORE);
    this.accepting = new StatementBatcher({
      run: (leads) => acceptLeads(acceptDatabase, leads, this.ignored.namesIn(leads), false),
      keyOf: (lead) => lead.id,
      maxBatch: 500,
      parallel: 1,
      failsAll: (error) => !mayBeCausedByOneItem(error),
    });
  }

  /**
   * Commits a lead: when this resolves, it is in PostgreSQL's log on disk. An exact repeat of a request in progress
   * waits for that commit and is a duplicate, so a hundred repeats at once cost one commit.
   * @throws AppError LEDGER_UNAVAILABLE, LEDGER_OVERLOADED, INVALID_LEAD, or UNEXPECTED where the fault is in this
   * service.
   */
  async accept(lead: LeadToAccept): Promise<AcceptedLead> {
    const content = JSON.stringify([lead.name, lead.attributes]);
    const underWay = this.newest.get(lead.id);
    if (underWay?.content === content) return { ...(await underWay.answer), outcome: 'duplicate' };
    if (this.waitingCharacters + content.length > MAX_WAITING_CHARACTERS) throw overloaded();
    const answer = this.accepting.submit(lead);
    this.waitingCharacters += content.length;
    const entry = { content, answer };
    this.newest.set(lead.id, entry);
    try {
      return await answer;
    } finally {
      this.waitingCharacters -= content.length;
      if (this.newest.get(lead.id) === entry) this.newest.delete(lead.id);
    }
  }

  /**
   * Commits spooled leads in their order, with their times of receipt; ids may repeat. Where the ledger has newer
   * content, the older content is recorded as an event and changes nothing else.
   */
  async acceptSpooled(leads: SpooledLead[]): Promise<AcceptedLead[]> {
    const answers: AcceptedLead[] = [];
    for (const run of runsOfDistinctIds(leads)) answers.push(...(await this.acceptRun(run)));
    return answers;
  }

  /** Resolves where the ack path answers within its short timeout. */
  async pingAcceptPath(): Promise<void> {
    await this.acceptDatabase.query('SELECT 1');
  }

  private async acceptRun(leads: SpooledLead[]): Promise<AcceptedLead[]> {
    const ignored = this.ignored.namesIn(leads);
    const answers = await acceptLeads(this.database, leads, ignored, true);
    const known = leads.filter((_, index) => answers[index]!.outcome === 'duplicate');
    if (known.length > 0) {
      const values = [
        ...columns(known, ['id', 'receivedAt', 'entry', 'name']),
        jsonColumn(known, (lead) => lead.attributes),
        ignored,
      ];
      await this.database.query({ name: 'record-late-content', text: RECORD_LATE_CONTENT, values });
    }
    return answers;
  }
}
