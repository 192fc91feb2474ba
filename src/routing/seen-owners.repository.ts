import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { ASSIGNMENT, AssignmentsRepository, lockDecisions, type Assignment } from './assignments.repository.js';
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

const CURRENT = `SELECT ${ASSIGNMENT} FROM routing.assignments a WHERE a.ended_at IS NULL AND a.lead_id = ANY($1::uuid[])`;

const MARK_WRITTEN = `
UPDATE routing.assignments SET written_at = clock_timestamp()
WHERE id = ANY($1::bigint[]) AND written_at IS NULL AND ended_at IS NULL`;

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

  async record(active: ActiveRules, seen: SeenOwner[]): Promise<void[]> {
    const { rows } = await this.database.query<AssignmentRow>({
      name: 'routing-seen',
      text: CURRENT,
      values: [seen.map(({ leadId }) => leadId)],
    });
    const current = new Map(rows.map((row) => [row.leadId, row]));
    const confirmed = seen.flatMap(({ leadId, ownerId }) => {
      const decision = current.get(leadId);
      return decision?.ownerId === ownerId && decision.writtenAt === null ? [decision.id] : [];
    });
    if (confirmed.length > 0) await this.database.query({ name: 'routing-written', text: MARK_WRITTEN, values: [confirmed] });
    const others = seen.filter(({ leadId, ownerId }) => current.get(leadId)?.ownerId !== ownerId);
    if (others.length > 0) await this.database.transaction((transaction) => this.replace(transaction, active, others, current));
    return seen.map(() => undefined);
  }

  /** A decision that was never written is returned to its pool; one that was written has been changed by a human. */
  private async replace(
    on: Queryable,
    { rules, version }: ActiveRules,
    others: SeenOwner[],
    current: ReadonlyMap<string, Assignment>,
  ): Promise<void> {
    await lockDecisions(on);
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

type AssignmentRow = Assignment & Record<string, unknown>;
