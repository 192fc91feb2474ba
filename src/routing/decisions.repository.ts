import { Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { AccountsRepository } from './accounts.repository.js';
import { ASSIGNMENT, lockDecisions, type Assignment, type TraceStep } from './assignments.repository.js';
import type { LeadFacts } from './conditions.js';
import { decide, poolsFor, type Decision } from './decide.js';
import { MembersRepository, type Member } from './members.repository.js';
import type { CompiledRules } from './rules.js';
import { loadWorld } from './turns.repository.js';

/** A lead that needs an owner. */
export interface RoutedLead extends Omit<LeadFacts, 'account'> {
  leadId: string;
  personKey: string;
  revision: number;
}

export interface ActiveRules {
  rules: CompiledRules;
  version: number;
}

/** After so many owners that the CRM refused, the CRM assigns the lead. */
export const REFUSALS = 2;

const CURRENT = `
SELECT ${ASSIGNMENT} FROM routing.assignments a
WHERE a.ended_at IS NULL AND (a.lead_id = ANY($1::uuid[]) OR a.person_key = ANY(SELECT decode(k, 'hex') FROM unnest($2::text[]) k))
ORDER BY a.id`;

/** Owners that a lead shall not get again. */
const PAST = `
SELECT lead_id AS "leadId", owner_id AS "ownerId", end_reason AS "endReason" FROM routing.assignments
WHERE lead_id = ANY($1::uuid[]) AND end_reason IN ('not-mine', 'reassigned', 'owner-inactive', 'owner-refused') ORDER BY id`;

const INSERT = `
INSERT INTO routing.assignments AS a (lead_id, person_key, revision, owner_id, rep, pool, rule, rules_version, band, trace)
SELECT i.lead_id, decode(i.person_key, 'hex'), i.revision, i.owner_id, i.rep, i.pool, i.rule, i.version, i.band, i.trace::jsonb
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[])
  WITH ORDINALITY AS i (lead_id, person_key, revision, owner_id, rep, pool, rule, version, band, trace, place)
ORDER BY i.place
RETURNING ${ASSIGNMENT}`;

const END_OF_PERSON = `
UPDATE routing.assignments SET ended_at = clock_timestamp(), end_reason = $3
WHERE ended_at IS NULL AND (lead_id = $4 OR (person_key = decode($1, 'hex') AND owner_id = $2))`;

export interface OwnerChangeRequest {
  from: string;
  /** A rep, or a user or queue of the CRM; null: the rules decide. */
  to: string | null;
  endReason: string;
  who: string;
}

type PastOwner = { leadId: string; ownerId: string; endReason: string };

/** Decides about leads, and stores each decision once. */
@Injectable()
export class DecisionsRepository {
  constructor(
    private readonly database: Database,
    private readonly members: MembersRepository,
    private readonly accounts: AccountsRepository,
  ) {}

  /**
   * The owner of each lead. A lead that has a decision keeps it; leads of one person get one owner.
   * @returns in order; null where no rep may own the lead, or the CRM refused the owners: the CRM assigns it.
   */
  async decide({ rules, version }: ActiveRules, leads: RoutedLead[], at: Date): Promise<(Assignment | null)[]> {
    const facts = await this.factsOf(rules, leads);
    const members = await this.membersOf(rules, facts);
    const pools = [...new Set(facts.flatMap((lead) => poolsFor(rules, lead)))];
    return this.database.transaction(async (transaction) => {
      await lockDecisions(transaction);
      const ids = leads.map(({ leadId }) => leadId);
      const values = [ids, leads.map(({ personKey }) => personKey)];
      const current = (await transaction.query<AssignmentRow>({ name: 'routing-current', text: CURRENT, values })).rows;
      const decided = new Map<string, Assignment>(current.map((row) => [row.leadId, row]));
      const open = leads.flatMap((lead, index) => (decided.has(lead.leadId) ? [] : [{ lead, facts: facts[index]! }]));
      if (open.length === 0) return ids.map((id) => decided.get(id) ?? null);
      const past = (await transaction.query<PastOwner>({ name: 'routing-past', text: PAST, values: [ids] })).rows;
      const owners = new Map(current.map(({ personKey, ownerId }) => [personKey, ownerId]));
      const world = await loadWorld(transaction, { rules, pools, members, at });
      const made: { lead: RoutedLead; decision: Decision }[] = [];
      for (const { lead, facts: known } of open) {
        const excluded = excludedOwners(past, lead.leadId, members);
        if (refusalsOf(past, lead.leadId) >= REFUSALS) continue;
        const ownerId = owners.get(lead.personKey);
        const existing = ownerId === undefined ? null : { ownerId, source: 'by an earlier decision' };
        const decision = decide(rules, { lead: known, existing, excluded }, world);
        if (!decision.owner) continue;
        owners.set(lead.personKey, decision.owner.ownerId);
        made.push({ lead, decision });
      }
      for (const row of await store(transaction, version, made)) decided.set(row.leadId, row);
      await world.save(transaction);
      return ids.map((id) => decided.get(id) ?? null);
    });
  }

  /**
   * Ends the decisions about the person with the lead's owner, and decides the lead again, or gives it to `to`.
   * @returns null where no other rep may own it; then the decisions have ended all the same.
   */
  async decideAgain(active: ActiveRules, lead: RoutedLead, change: OwnerChangeRequest, at: Date): Promise<Assignment | null> {
    const { from, endReason, to, who } = change;
    await this.database.query(END_OF_PERSON, [lead.personKey, from, endReason, lead.leadId]);
    if (to === null) return (await this.decide(active, [lead], at))[0]!;
    const rep = active.rules.reps.get(to) ?? active.rules.repsByUser.get(to);
    const owner = { rep: rep?.id ?? null, ownerId: rep?.ownerId ?? to };
    const trace: TraceStep[] = [{ name: 'by hand', outcome: 'chosen', why: `${who} chose this owner` }];
    return this.database.transaction(async (transaction) => {
      await lockDecisions(transaction);
      return (await store(transaction, active.version, [{ lead, decision: { owner, rule: 'by hand', pool: null, trace } }]))[0]!;
    });
  }

  /** What a decision would be now; nothing is stored, and no turn is taken. */
  async simulate(rules: CompiledRules, leads: Omit<LeadFacts, 'account'>[], at: Date): Promise<Decision[]> {
    const facts = await this.factsOf(rules, leads);
    const members = await this.membersOf(rules, facts);
    const pools = [...new Set(facts.flatMap((lead) => poolsFor(rules, lead)))];
    const world = await loadWorld(this.database, { rules, pools, members, at });
    return facts.map((lead) => decide(rules, { lead, existing: null, excluded: new Map() }, world));
  }

  private async factsOf(rules: CompiledRules, leads: Omit<LeadFacts, 'account'>[]): Promise<LeadFacts[]> {
    const { match, parents } = rules.source.accounts;
    const emails = leads.map(({ email }) => email);
    const accounts = match ? await this.accounts.match(emails, parents) : emails.map(() => null);
    return leads.map((lead, index) => ({ ...lead, account: accounts[index]! }));
  }

  private async membersOf(rules: CompiledRules, facts: LeadFacts[]): Promise<Map<string, Member>> {
    const users = new Set([...rules.repsByUser.keys(), ...facts.flatMap(({ account }) => account?.ownerId ?? [])]);
    return new Map((await this.members.get([...users])).map((member) => [member.userId, member]));
  }
}

function refusalsOf(past: PastOwner[], lead: string): number {
  return past.filter(({ leadId, endReason }) => leadId === lead && endReason.startsWith('owner-')).length;
}

function excludedOwners(past: PastOwner[], lead: string, members: ReadonlyMap<string, Member>): Map<string, string> {
  const excluded = new Map<string, string>();
  for (const { leadId, ownerId, endReason } of past) {
    if (leadId !== lead) continue;
    // A user who is active again may get leads again; the mirror says so.
    if (endReason === 'owner-inactive' && members.get(ownerId)?.active === true) continue;
    excluded.set(ownerId, endReason.startsWith('owner-') ? 'was refused by the CRM' : 'had the lead before');
  }
  return excluded;
}

async function store(on: Queryable, version: number, made: { lead: RoutedLead; decision: Decision }[]): Promise<Assignment[]> {
  if (made.length === 0) return [];
  const rows = made.map(({ lead, decision }) => ({
    leadId: lead.leadId,
    personKey: lead.personKey,
    revision: lead.revision,
    ...decision.owner!,
    pool: decision.pool,
    rule: decision.rule,
    version,
    band: lead.band,
  }));
  const names = ['leadId', 'personKey', 'revision', 'ownerId', 'rep', 'pool', 'rule', 'version', 'band'] as const;
  const values = [...columns(rows, names), jsonColumn(made, ({ decision }) => decision.trace)];
  const { rows: stored } = await on.query<AssignmentRow>({ name: 'routing-store', text: INSERT, values });
  if (stored.length !== made.length) throw new AppError('UNEXPECTED', 'Decisions were stored in part.');
  return stored;
}

type AssignmentRow = Assignment & Record<string, unknown>;
