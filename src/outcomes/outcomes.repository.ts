import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import { STATUS_KINDS, type Outcome, type OutcomeKind, type PersonOutcome } from './outcome.js';
import { writeAboutPersons } from './write-about-persons.js';

/** An outcome from another system. */
export interface ReportedOutcome extends Outcome {
  personKey: string;
  /** The name of the token. */
  by: string;
}

/** Up to where a source was read: the newest change, and of equal times the record with the highest id. */
export interface Position {
  at: string;
  id: string;
}

/** A record that is asked for by its id. */
export interface FollowedRecord {
  crmId: string;
  personKey: string;
  /** When the person's lead was converted or merged: what the record says of them is not earlier. */
  since: string;
  /** Up to which time of the source's clock its changes are known; null where it was never read. */
  readAt: string | null;
}

export type FollowedObject = 'Lead' | 'Opportunity';

/** A person's record was merged into another one. */
export interface Merge {
  personKey: string;
  /** The person of the other record; null where it has no key of this service. */
  into: string | null;
  crmId: string;
  at: string;
}

/** A record that shows from now on what becomes of a person. */
export interface Follow {
  object: FollowedObject;
  crmId: string;
  personKey: string;
  since: string;
}

/** What one page of a source says. It is stored whole, or not at all. */
export interface Observations {
  source: string;
  outcomes: PersonOutcome[];
  merges: Merge[];
  follow: Follow[];
  /** Records that were asked for by id: they are asked for again later, or have ended. */
  read: { crmId: string; ended: boolean }[];
}

/**
 * Kinds that replace each other: a record is in one of them at a time, and only a change is an outcome. Each other kind
 * happens to a record once. So a record that is read again, with whatever time, adds nothing.
 */
const STATES: OutcomeKind[][] = [[...STATUS_KINDS], ['won', 'lost']];

const APPEND = `
INSERT INTO feedback.outcomes (source, crm_id, kind, at, amount, currency, person_key)
SELECT $1, i.crm_id, i.kind, i.at, i.amount, i.currency, decode(i.person_key, 'hex')
FROM jsonb_to_recordset($2::jsonb) AS i (crm_id text, kind text, at timestamptz, amount numeric, currency text,
  person_key text, kinds text[])
WHERE i.kind IS DISTINCT FROM (
  SELECT o.kind FROM feedback.outcomes o
  WHERE o.source = $1 AND o.crm_id = i.crm_id AND o.kind = ANY(i.kinds) AND o.person_key = decode(i.person_key, 'hex')
  ORDER BY o.id DESC LIMIT 1)
ON CONFLICT DO NOTHING`;

const FOLLOW = `
INSERT INTO feedback.followed_records (source, object, crm_id, person_key, since)
SELECT $1, i.object, i.crm_id, decode(i.person_key, 'hex'), i.since
FROM jsonb_to_recordset($2::jsonb) AS i (object text, crm_id text, person_key text, since timestamptz)
-- One that has ended is not followed anew by a page that is read again.
WHERE NOT EXISTS (SELECT 1 FROM feedback.outcomes o
  WHERE o.source = $1 AND o.crm_id = i.crm_id AND o.person_key = decode(i.person_key, 'hex'))
ON CONFLICT DO NOTHING`;

/** The units of both persons become one. */
const MERGE = `
WITH units AS (
  SELECT unit FROM feedback.merged_persons WHERE person_key IN (decode($1, 'hex'), decode($2, 'hex'))
), joined AS (
  SELECT coalesce((SELECT unit FROM units ORDER BY unit LIMIT 1), gen_random_uuid()) AS unit
), members AS (
  SELECT decode($1, 'hex') AS person_key UNION SELECT decode($2, 'hex')
  UNION SELECT person_key FROM feedback.merged_persons WHERE unit IN (SELECT unit FROM units)
)
INSERT INTO feedback.merged_persons AS m (person_key, unit)
SELECT person_key, joined.unit FROM members, joined
ON CONFLICT (person_key) DO UPDATE SET unit = excluded.unit WHERE m.unit <> excluded.unit`;

/** Outcomes of persons, and how far their sources were read. */
@Injectable()
export class OutcomesRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param on a transaction of `writeAboutPersons`; without it one of its own.
   * @returns false where it was stored before; null where no lead of the person is held, and nothing was stored.
   */
  async append(outcome: ReportedOutcome, on?: Queryable): Promise<boolean | null> {
    if (!on) return writeAboutPersons(this.database, (transaction) => this.append(outcome, transaction));
    const { personKey, kind, at, amount, currency, source, crmId, by } = outcome;
    if ((await knownPersons(on, [personKey])).size === 0) return null;
    const { rowCount } = await on.query(
      `INSERT INTO feedback.outcomes (person_key, kind, at, amount, currency, source, crm_id, reported_by)
       VALUES (decode($1, 'hex'), $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
      [personKey, kind, at, amount, currency, source, crmId, by],
    );
    return rowCount === 1;
  }

  /** Of a person, the oldest first; at most 200. */
  async ofPerson(personKey: string): Promise<Outcome[]> {
    const { rows } = await this.database.query<Omit<Outcome, 'at'> & { at: Date }>(
      `SELECT kind, at, amount::float AS amount, currency, source, crm_id AS "crmId" FROM feedback.outcomes
       WHERE person_key = decode($1, 'hex') ORDER BY at, id LIMIT 200`,
      [personKey],
    );
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  /** Where reading goes on. The first time it is where the oldest lead of the ledger was received. */
  async position(name: string): Promise<Position> {
    await this.database.query(
      `INSERT INTO feedback.cursors (name, at)
       SELECT $1, date_trunc('milliseconds', coalesce((SELECT min(received_at) FROM ledger.known_persons), now()))
       ON CONFLICT (name) DO NOTHING`,
      [name],
    );
    const { rows } = await this.database.query<{ at: Date; id: string }>(
      'SELECT at, record_id AS id FROM feedback.cursors WHERE name = $1',
      [name],
    );
    return { at: rows[0]!.at.toISOString(), id: rows[0]!.id };
  }

  /**
   * Stores what a page says and moves the cursor, in one transaction.
   * @returns false where another process has moved the cursor since: nothing was stored.
   */
  storePage(observations: Observations, cursor: { name: string; from: Position; to: Position }): Promise<boolean> {
    return writeAboutPersons(this.database, async (transaction) => {
      const { name, from, to } = cursor;
      const { rowCount } = await transaction.query(
        `UPDATE feedback.cursors SET at = $4, record_id = $5, moved_at = now() WHERE name = $1 AND at = $2 AND record_id = $3`,
        [name, from.at, from.id, to.at, to.id],
      );
      if (rowCount !== 1) return false;
      await store(transaction, observations);
      return true;
    });
  }

  /**
   * Stores what records say that were asked for by id, in one transaction.
   * @param readAt a time of the source's clock, not later than the answer.
   */
  storeFollowed(observations: Observations, readAt: string): Promise<void> {
    return writeAboutPersons(this.database, (transaction) => store(transaction, observations, readAt));
  }

  /** Records to ask for, those that were asked for longest ago first. */
  async followed(source: string, object: FollowedObject, limit: number): Promise<FollowedRecord[]> {
    const { rows } = await this.database.query<{ crmId: string; personKey: string; since: Date; readAt: Date | null }>(
      `SELECT crm_id AS "crmId", encode(person_key, 'hex') AS "personKey", since, read_at AS "readAt"
       FROM feedback.followed_records WHERE source = $1 AND object = $2 ORDER BY asked_at NULLS FIRST, crm_id LIMIT $3`,
      [source, object, limit],
    );
    return rows.map((row) => ({ ...row, since: row.since.toISOString(), readAt: row.readAt?.toISOString() ?? null }));
  }
}

/** Those of the persons of whom the ledger has leads. */
async function knownPersons(transaction: Queryable, personKeys: string[]): Promise<Set<string>> {
  if (personKeys.length === 0) return new Set();
  const { rows } = await transaction.query<{ key: string }>(
    `SELECT encode(i.key, 'hex') AS key FROM (SELECT DISTINCT decode(k, 'hex') AS key FROM unnest($1::text[]) k) i
     WHERE EXISTS (SELECT 1 FROM ledger.known_persons l WHERE l.person_key = i.key)`,
    [personKeys],
  );
  return new Set(rows.map(({ key }) => key));
}

async function store(transaction: Queryable, observations: Observations, readAt: string | null = null): Promise<void> {
  const { source, read } = observations;
  const keys = [...observations.outcomes, ...observations.follow, ...observations.merges].map(({ personKey }) => personKey);
  const winners = observations.merges.flatMap(({ into }) => into ?? []);
  const known = await knownPersons(transaction, [...new Set([...keys, ...winners])]);
  const isKnown = ({ personKey }: { personKey: string }) => known.has(personKey);
  const outcomes = observations.outcomes.filter(isKnown);
  const merges = observations.merges.filter(isKnown);
  const joined = merges.flatMap(({ personKey, into }) => (into !== null && known.has(into) ? [{ personKey, into }] : []));
  // A winner that is not ours is asked for by id.
  const strangers = merges.filter(({ into }) => into === null || !known.has(into));
  const follow = [
    ...observations.follow.filter(isKnown),
    ...strangers.map(({ personKey, crmId, at }): Follow => ({ object: 'Lead', crmId, personKey, since: at })),
  ];
  if (follow.length > 0) {
    const rows = follow.map(({ object, crmId, personKey, since }) => ({ object, crm_id: crmId, person_key: personKey, since }));
    await transaction.query(FOLLOW, [source, JSON.stringify(rows)]);
  }
  if (outcomes.length > 0) await transaction.query(APPEND, [source, JSON.stringify(outcomes.map(rowOf))]);
  for (const { personKey, into } of joined) await transaction.query(MERGE, [personKey, into]);
  const ended = read.filter((record) => record.ended).map(({ crmId }) => crmId);
  const going = read.filter((record) => !record.ended).map(({ crmId }) => crmId);
  if (ended.length > 0)
    await transaction.query('DELETE FROM feedback.followed_records WHERE source = $1 AND crm_id = ANY($2)', [source, ended]);
  if (going.length > 0)
    await transaction.query(
      'UPDATE feedback.followed_records SET asked_at = now(), read_at = $3 WHERE source = $1 AND crm_id = ANY($2)',
      [source, going, readAt],
    );
}

function rowOf({ personKey, crmId, kind, at, amount, currency }: PersonOutcome) {
  const kinds = STATES.find((state) => state.includes(kind)) ?? [kind];
  return { person_key: personKey, crm_id: crmId, kind, at, amount, currency, kinds };
}
