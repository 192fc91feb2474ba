import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { AssignmentsRepository, DECISION_LOCK, type Assignment } from './assignments.repository.js';
import { EXISTING_OWNER } from './decide.js';
import type { ActiveRules } from './decisions.repository.js';

/** The owner that the CRM has for a lead's person. */
export interface SeenOwner {
  leadId: string;
  personKey: string;
  revision: number;
  band: string;
  ownerId: string;
  /** The record was created just now. */
  created: boolean;
}

/**
 * The decisions that stand about the leads, as they were before; those that the CRM confirms are marked as written. The
 * condition is on `end_reason`: one on `ended_at` may make PostgreSQL read an index of all decisions that stand.
 */
const CONFIRM = `
WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS s (lead_id, owner_id)),
written AS (
  UPDATE routing.assignments a SET written_at = clock_timestamp() FROM seen s
  WHERE a.lead_id = s.lead_id AND a.owner_id = s.owner_id AND a.written_at IS NULL AND a.end_reason IS NULL
)
SELECT a.id, lead_id AS "leadId", a.owner_id AS "ownerId", a.written_at AS "writtenAt"
FROM seen JOIN routing.assignments a USING (lead_id) WHERE a.end_reason IS NULL`;

const INSERT = `
INSERT INTO routing.assignments (lead_id, person_key, revision, owner_id, rep, rule, rules_version, band, trace, written_at)
SELECT i.lead_id, decode(i.person_key, 'hex'), i.revision, i.owner_id, i.rep, '${EXISTING_OWNER}', $6, i.band, i.trace::jsonb,
  clock_timestamp()
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $7::text[], $8::text[])
  AS i (lead_id, person_key, revision, owner_id, rep, band, trace)
ON CONFLICT DO NOTHING`;

/** Compares decisions with the owners that the CRM has. The CRM is right: an owner that a human chose stays. */
@Injectable()
export class SeenOwnersRepository {
  constructor(
    private readonly database: Database,
    private readonly assignments: AssignmentsRepository,
  ) {}

  /** @param active is asked for where an owner is another than the decided one. */
  async record(active: () => Promise<ActiveRules>, seen: SeenOwner[]): Promise<void[]> {
    const values = columns(seen, ['leadId', 'ownerId']);
    const { rows } = await this.database.query<StandingRow>({ name: 'routing-seen', text: CONFIRM, values });
    const current = new Map(rows.map((row) => [row.leadId, row]));
    const others = seen.filter(({ leadId, ownerId }) => current.get(leadId)?.ownerId !== ownerId);
    if (others.length > 0) {
      const rules = await active();
      await this.database.transaction((transaction) => this.replace(transaction, rules, others, current), DECISION_LOCK);
    }
    return seen.map(() => undefined);
  }

  /** A decision that was never written is returned to its pool; one that was written has been changed by a human. */
  private async replace(
    on: Queryable,
    { rules, version }: ActiveRules,
    others: SeenOwner[],
    current: ReadonlyMap<string, Standing>,
  ): Promise<void> {
    for (const { leadId } of others) {
      const decision = current.get(leadId);
      if (decision) await this.assignments.end(decision.id, decision.writtenAt === null ? 'not-needed' : 'changed-in-crm', on);
    }
    const rowsToAdd = others.map((each) => ({ ...each, rep: rules.repsByUser.get(each.ownerId)?.id ?? null }));
    const [ids, keys, revisions, owners, reps, bands] = columns(rowsToAdd, [
      'leadId',
      'personKey',
      'revision',
      'ownerId',
      'rep',
      'band',
    ]);
    const traces = jsonColumn(rowsToAdd, ({ ownerId }) => [
      { name: EXISTING_OWNER, outcome: 'chosen', why: `the person has the owner ${ownerId} in the CRM` },
    ]);
    await on.query(INSERT, [ids, keys, revisions, owners, reps, version, bands, traces]);
  }
}

type Standing = Pick<Assignment, 'id' | 'leadId' | 'ownerId' | 'writtenAt'>;
type StandingRow = Standing & Record<string, unknown>;
