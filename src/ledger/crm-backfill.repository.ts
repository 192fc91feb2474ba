import { Injectable } from '@nestjs/common';
import type { CrmSynced } from '../domain/lead.js';
import { Database } from '../platform/database/database.js';
import { PROJECTION, projectionOf, type Projection, type ProjectionRow } from './lead-content-sql.js';
import { NUMBER_EVENT, writeEvents } from './lead-update-sql.js';

/** A synced lead for which the ledger has no record in the CRM. */
export interface PendingLead {
  id: string;
  fence: string;
  personKey: string;
  campaignId: string;
  receivedAt: Date;
  projection: Projection;
}

interface Row {
  id: string;
  fence: string;
  person_key: string;
  campaign_id: string;
  received_at: Date;
  projection: ProjectionRow;
}

/** The column `crm` names the CRM that has the lead, and its shadow CRM. */
const MISSING_IN = `(l.crm->>'provider' IS DISTINCT FROM $1 AND l.crm->'shadow'->>'provider' IS DISTINCT FROM $1)`;

/** The CRM has the lead, but not its campaign membership. */
const WITHOUT_MEMBER = `(l.crm->>'provider' = $1 AND l.crm->>'memberId' IS NULL)`;

const PAGE = (condition: string) => `
SELECT l.id, l.fence, encode(l.person_key, 'hex') AS person_key, l.campaign_id, l.received_at, p.projection
FROM ledger.leads l
CROSS JOIN LATERAL (SELECT to_jsonb(newest) AS projection FROM (${PROJECTION('l.person_key')}) newest) p
WHERE l.state = 'synced' AND ${condition} AND l.id > $2
ORDER BY l.id LIMIT $3`;
const PENDING = PAGE(MISSING_IN);
const MEMBERLESS = PAGE(WITHOUT_MEMBER);

const PERSONS = `
SELECT p.projection
FROM (
  SELECT DISTINCT person_key FROM ledger.leads WHERE state = 'synced' AND person_key > decode($1, 'hex')
  ORDER BY person_key LIMIT $2
) k
CROSS JOIN LATERAL (SELECT to_jsonb(newest) AS projection FROM (${PROJECTION('k.person_key')}) newest) p
ORDER BY k.person_key`;

const RECORD = `
WITH done AS (
  UPDATE ledger.leads l SET crm = l.crm || jsonb_build_object('shadow', $3::jsonb - 'exchanges'), ${NUMBER_EVENT}
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision
)${writeEvents(`'backfilled'`, `$3::jsonb || jsonb_build_object('revision', revision)`)}`;

const RECORD_MEMBER = `
WITH done AS (
  UPDATE ledger.leads l SET crm = l.crm || ($3::jsonb - 'exchanges'), ${NUMBER_EVENT}
  WHERE l.id = $1 AND l.fence = $2 AND l.state = 'synced'
  RETURNING l.id, l.event_seq, l.revision
)${writeEvents(`'membership-added'`, `$3::jsonb || jsonb_build_object('revision', revision)`)}`;

/** Records and memberships that the ledger does not know in a CRM, and their content. */
@Injectable()
export class CrmBackfillRepository {
  constructor(private readonly database: Database) {}

  /** A page of synced leads in id order that have no record in `provider`; start with the nil UUID. */
  pendingIn(provider: string, afterId: string, limit: number): Promise<PendingLead[]> {
    return this.pageOf({ name: 'backfill-pending', text: PENDING }, [provider, afterId, limit]);
  }

  countPendingIn(provider: string): Promise<number> {
    return this.countOf(MISSING_IN, provider);
  }

  /** A page of synced leads in id order that have a record in `provider` but no membership; start with the nil UUID. */
  withoutMember(provider: string, afterId: string, limit: number): Promise<PendingLead[]> {
    return this.pageOf({ name: 'memberships-pending', text: MEMBERLESS }, [provider, afterId, limit]);
  }

  countWithoutMember(provider: string): Promise<number> {
    return this.countOf(WITHOUT_MEMBER, provider);
  }

  /** A page of persons with a synced lead, ordered by key; start with the empty string. */
  async syncedPersons(afterKey: string, limit: number): Promise<Projection[]> {
    const values = [afterKey, limit];
    const { rows } = await this.database.query<{ projection: ProjectionRow }>({
      name: 'backfill-persons',
      text: PERSONS,
      values,
    });
    return rows.map(({ projection }) => projectionOf(projection));
  }

  async countSyncedPersons(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      `SELECT count(DISTINCT person_key)::int AS count FROM ledger.leads WHERE state = 'synced'`,
    );
    return rows[0]!.count;
  }

  /**
   * Records where the lead is in another CRM. A lead that has changed meanwhile is skipped: its own sync is in
   * progress.
   */
  async recordBackfill(lead: PendingLead, reference: CrmSynced): Promise<void> {
    const values = [lead.id, lead.fence, JSON.stringify(reference)];
    await this.database.query({ name: 'backfill-record', text: RECORD, values });
  }

  /** Records the lead's membership. A lead that has changed meanwhile is skipped: its own sync is in progress. */
  async recordMember(lead: PendingLead, reference: CrmSynced): Promise<void> {
    const values = [lead.id, lead.fence, JSON.stringify(reference)];
    await this.database.query({ name: 'memberships-record', text: RECORD_MEMBER, values });
  }

  private async pageOf(query: { name: string; text: string }, values: unknown[]): Promise<PendingLead[]> {
    const { rows } = await this.database.query<Row>({ ...query, values });
    return rows.map((row) => ({
      id: row.id,
      fence: row.fence,
      personKey: row.person_key,
      campaignId: row.campaign_id,
      receivedAt: row.received_at,
      projection: projectionOf(row.projection),
    }));
  }

  private async countOf(condition: string, provider: string): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ledger.leads l WHERE l.state = 'synced' AND ${condition}`,
      [provider],
    );
    return rows[0]!.count;
  }
}
