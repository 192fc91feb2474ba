import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../domain/error-catalog.js';
import { Database } from '../platform/database/database.js';
import { DUE_UPDATE } from './marketo-updates.repository.js';

/** A person whose score is due, and the record in Marketo that the webhook named. */
export interface ClaimedRecord {
  personKey: string;
  marketoId: number;
}

/** What Marketo shows of that record: the person's own address, another one, or no record. */
export interface SeenRecord extends ClaimedRecord {
  seen: 'own' | 'other' | 'none';
}

const MISMATCH: ErrorCode = 'MARKETO_PERSON_MISMATCH';
const OTHER_ADDRESS = 'The record has another address, and no webhook call in the log shows that it is this person.';
const NEWER_PERSON = 'The record has the address of another person here, whose score is newer.';

/**
 * Marketo logged a call of the webhook for this record, and that call brought a lead of this person. Where leads of
 * several people name the record, such a match may be chance.
 */
const KNOWN_BY_LOG = `
  EXISTS (SELECT 1 FROM ledger.marketo_calls c JOIN ledger.leads l ON l.id = c.lead_id
    WHERE c.marketo_id = u.marketo_id AND l.person_key = u.person_key AND c.class IN ('matched', 'answer-lost', 'repaired'))
  AND NOT EXISTS (SELECT 1 FROM ledger.marketo_updates o
    WHERE o.marketo_id = u.marketo_id AND o.person_key <> u.person_key)`;

const CLAIMED = `
SELECT encode(person_key, 'hex') AS "personKey", marketo_id::float AS "marketoId" FROM ledger.marketo_updates
WHERE ${DUE_UPDATE} AND marketo_id IS NOT NULL AND NOT by_email AND verified_id IS DISTINCT FROM marketo_id
ORDER BY due_at LIMIT $1`;

const SEEN = `jsonb_to_recordset($1::jsonb) AS i ("personKey" text, "marketoId" bigint, seen text)`;
const OF_PERSON = `u.person_key = decode(i."personKey", 'hex') AND u.marketo_id = i."marketoId"`;

const SETTLE_OWN = `
UPDATE ledger.marketo_updates u SET
  verified_id = CASE i.seen WHEN 'own' THEN u.marketo_id ELSE u.verified_id END, by_email = (i.seen = 'none'),
  sent = CASE i.seen WHEN 'none' THEN '{}' ELSE u.sent END
FROM ${SEEN} WHERE i.seen <> 'other' AND ${OF_PERSON}`;

/** After the others: a record may be that of a person of the same batch. */
const SETTLE_OTHER = `
UPDATE ledger.marketo_updates u SET
  verified_id = CASE WHEN v.known THEN u.marketo_id ELSE u.verified_id END,
  state = CASE WHEN v.known THEN u.state WHEN v.newer THEN 'skipped' ELSE 'dead' END,
  last_code = CASE WHEN NOT v.known THEN '${MISMATCH}' END,
  last_message = CASE WHEN NOT v.known THEN CASE WHEN v.newer THEN '${NEWER_PERSON}' ELSE '${OTHER_ADDRESS}' END END,
  settled_at = CASE WHEN v.known THEN u.settled_at ELSE now() END
FROM ${SEEN} JOIN LATERAL (
  SELECT u.person_key, ${KNOWN_BY_LOG} AS known, EXISTS (SELECT 1 FROM ledger.marketo_updates o
    WHERE o.marketo_id = u.marketo_id AND o.verified_id = o.marketo_id AND o.person_key <> u.person_key
      AND o.version > u.version) AS newer
  FROM ledger.marketo_updates u WHERE ${OF_PERSON}
) v ON true
WHERE i.seen = 'other' AND u.person_key = v.person_key AND u.state = 'owed'`;

const OWE_KNOWN = `
UPDATE ledger.marketo_updates u SET state = 'owed', verified_id = u.marketo_id, owed_at = now(), due_at = now(),
  last_code = NULL, last_message = NULL
WHERE u.state = 'dead' AND u.last_code = '${MISMATCH}' AND ${KNOWN_BY_LOG}`;

/** Whether the record in Marketo that a webhook named is that of the person whose score is to be written. */
@Injectable()
export class MarketoIdentitiesRepository {
  constructor(private readonly database: Database) {}

  /** People whose score is due and whose record was not looked at yet, up to `limit`. */
  async claimed(limit: number): Promise<ClaimedRecord[]> {
    return (await this.database.query<ClaimedRecord>({ name: 'marketo-claimed', text: CLAIMED, values: [limit] })).rows;
  }

  /**
   * Keeps what Marketo shows. A record with another address is accepted where the log of webhook calls shows that it is
   * this person's; otherwise nothing is written to it.
   */
  async settle(seen: SeenRecord[]): Promise<void> {
    if (seen.length === 0) return;
    const values = [JSON.stringify(seen)];
    await this.database.query({ name: 'marketo-identity-own', text: SETTLE_OWN, values });
    if (seen.some((one) => one.seen === 'other')) {
      await this.database.query({ name: 'marketo-identity-other', text: SETTLE_OTHER, values });
    }
  }

  /** Owes the scores that were refused for their address, where the log has shown since whose the record is. */
  async oweKnown(): Promise<void> {
    await this.database.query(OWE_KNOWN);
  }
}
