import { Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { personKeyOf } from '../domain/lead-keys.js';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns, jsonColumn } from '../platform/database/unnest-columns.js';
import { AccountsRepository } from './accounts.repository.js';
import { ASSIGNMENT, DECISION_LOCK, endOn, type Assignment, type EndReason } from './assignments.repository.js';
import type { LeadFacts } from './conditions.js';
import { decide, matchOf, poolsFor, type Decision, type ExistingOwner, type Match } from './decide.js';
import { MembersRepository, type Member } from './members.repository.js';
import type { DueReassignment } from './reassignments.repository.js';
import type { CompiledRules } from './rules.js';
import type { StoredTrace } from './trace.js';
import { loadWorld, NO_CHANGES, SAVE_CHANGES } from './turns.repository.js';

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

/**
 * The newest decisions about each lead, and about its person, each once where a person has two of the leads. Without a
 * condition on `ended_at` and with an order, PostgreSQL looks up each by its own index. It does so also while the
 * statistics of the table are those of an empty one.
 */
export const KNOWN = `
SELECT DISTINCT ON (a.id) ${ASSIGNMENT} FROM unnest($1::uuid[], $2::text[]) AS asked (lead_id, person_key) CROSS JOIN LATERAL (
  (SELECT * FROM routing.assignments WHERE lead_id = asked.lead_id ORDER BY id DESC LIMIT 100)
  UNION ALL
  (SELECT * FROM routing.assignments
   WHERE person_key = decode(asked.person_key, 'hex') AND lead_id <> asked.lead_id ORDER BY id DESC LIMIT 100)
) a ORDER BY a.id`;

/** A lead shall not get these owners again. */
const PASSED_OVER: ReadonlySet<string> = new Set<EndReason>(['not-mine', 'reassigned', 'owner-inactive', 'owner-refused']);

/** The decisions, with the turns that they took. */
const STORE = `
WITH ${SAVE_CHANGES}
INSERT INTO routing.assignments AS a (lead_id, person_key, revision, owner_id, rep, pool, rule, rules_version, band, trace)
SELECT i.lead_id, decode(i.person_key, 'hex'), i.revision, i.owner_id, i.rep, i.pool, i.rule, i.version, i.band, i.trace::jsonb
FROM unnest($14::uuid[], $15::text[], $16::int[], $17::text[], $18::text[], $19::text[], $20::text[], $21::int[], $22::text[],
  $23::text[])
  WITH ORDINALITY AS i (lead_id, person_key, revision, owner_id, rep, pool, rule, version, band, trace, place)
ORDER BY i.place
RETURNING ${ASSIGNMENT}`;

/** The owner of a person by the newest decision that stands. */
const OWNER_OF_PERSON = `
SELECT owner_id AS "ownerId" FROM (
  SELECT id, owner_id, ended_at FROM routing.assignments WHERE person_key = decode($1, 'hex') ORDER BY id DESC LIMIT 100
) newest WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1`;

/** What a run before has decided for this request, as long as it stands. */
const MADE_FOR = `
SELECT ${ASSIGNMENT} FROM routing.reassignments r JOIN routing.assignments a ON a.id = r.next_id
WHERE r.id = $1 AND a.ended_at IS NULL`;

/** What was decided before, in its order. */
interface Earlier {
  /** Decisions that stand about the leads and about their persons. */
  current: Assignment[];
  /** Decisions about them that ended so that their owners are passed over. */
  past: Assignment[];
}

interface Known {
  /** In the order of the leads. */
  facts: LeadFacts[];
  members: Map<string, Member>;
}

interface Undecided {
  lead: RoutedLead;
  facts: LeadFacts;
}

interface Made {
  lead: RoutedLead;
  decision: Decision;
}

interface Chosen {
  made: Made[];
  /** What the decisions change beside their own rows. */
  changes: string[];
}

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
  async decide(active: ActiveRules, leads: RoutedLead[], at: Date): Promise<(Assignment | null)[]> {
    const known = await this.knownOf(active.rules, leads);
    return this.database.transaction(async (transaction) => {
      const earlier = await earlierOf(transaction, leads);
      const decided = new Map(earlier.current.map((row) => [row.leadId, row]));
      const open = undecided(leads, known.facts).filter(({ lead }) => !decided.has(lead.leadId));
      if (open.length > 0) {
        const chosen = await choose(transaction, active, open, { ...earlier, members: known.members, at });
        for (const row of await store(transaction, active.version, chosen)) decided.set(row.leadId, row);
      }
      return leads.map(({ leadId }) => decided.get(leadId) ?? null);
    }, DECISION_LOCK);
  }

  /**
   * Decides a lead again, or gives it to the owner that was asked for. What was decided before about the person with
   * this owner ends in the same transaction. A request is decided once, as long as its decision stands.
   * @returns null where no other owner may have the lead: then nothing changes.
   */
  async decideAgain(active: ActiveRules, lead: RoutedLead, request: DueReassignment, at: Date): Promise<Assignment | null> {
    const { id, from, to, endReason } = request;
    const known = await this.knownOf(active.rules, [lead]);
    return this.database.transaction(async (transaction) => {
      const before = (await transaction.query<AssignmentRow>(MADE_FOR, [id])).rows[0];
      if (before) return before;
      const earlier = await earlierOf(transaction, [lead]);
      const given = { ...earlier, members: known.members, at, passedOver: from };
      const chosen =
        to === null
          ? await choose(transaction, active, undecided([lead], known.facts), given)
          : { made: byHand(active.rules, lead, request), changes: NO_CHANGES };
      if (chosen.made.length === 0 || chosen.made[0]!.decision.owner!.ownerId === from) return null;
      // The turns were read before, so they are saved before the credit of the earlier owner.
      await transaction.query(`WITH ${SAVE_CHANGES} SELECT`, chosen.changes);
      const ended = earlier.current.filter(({ leadId, ownerId }) => leadId === lead.leadId || ownerId === from);
      for (const each of ended) await endOn(transaction, each.id, endReason);
      const [next] = await store(transaction, active.version, { made: chosen.made, changes: NO_CHANGES });
      await transaction.query('UPDATE routing.reassignments SET next_id = $2 WHERE id = $1', [id, next!.id]);
      return next!;
    }, DECISION_LOCK);
  }

  /** Who would get a lead that comes in now: an owner by an earlier decision stays. Nothing is stored or counted. */
  async simulate(rules: CompiledRules, lead: Omit<LeadFacts, 'account'>, at: Date): Promise<Decision> {
    const values = [personKeyOf(lead.email)];
    const owner = (await this.database.query<{ ownerId: string }>(OWNER_OF_PERSON, values)).rows[0];
    return (await this.tryRules(rules, [lead], at, owner?.ownerId))[0]!;
  }

  /** What the rules say about leads, as if their persons were new. Nothing is stored, and no turn is taken. */
  async tryRules(rules: CompiledRules, leads: Omit<LeadFacts, 'account'>[], at: Date, ownerId?: string): Promise<Decision[]> {
    const { facts, members } = await this.knownOf(rules, leads, ownerId);
    const matches = facts.map((lead) => matchOf(rules, lead));
    const world = await loadWorld(this.database, { rules, pools: poolsOf(rules, matches), members, at });
    return facts.map((lead, index) => {
      const request = { lead, match: matches[index]!, existing: existingOf(ownerId), excluded: new Map() };
      return decide(rules, request, world);
    });
  }

  /** Read before the lock, since no decision changes it. */
  private async knownOf(rules: CompiledRules, leads: Omit<LeadFacts, 'account'>[], ownerId?: string): Promise<Known> {
    const facts = await this.factsOf(rules, leads);
    const owners = [...facts.map(({ account }) => account?.ownerId), ownerId].filter((each) => each !== undefined);
    return { facts, members: await this.members.recent([...rules.repsByUser.keys(), ...owners]) };
  }

  private async factsOf(rules: CompiledRules, leads: Omit<LeadFacts, 'account'>[]): Promise<LeadFacts[]> {
    const { match, parents } = rules.source.accounts;
    const emails = leads.map(({ email }) => email);
    const accounts = match ? await this.accounts.match(emails, parents) : emails.map(() => null);
    return leads.map((lead, index) => ({ ...lead, account: accounts[index]! }));
  }
}

async function earlierOf(on: Queryable, leads: RoutedLead[]): Promise<Earlier> {
  const values = columns(leads, ['leadId', 'personKey']);
  const { rows } = await on.query<AssignmentRow>({ name: 'routing-known', text: KNOWN, values });
  return {
    current: rows.filter(({ endedAt }) => endedAt === null),
    past: rows.filter(({ endReason }) => endReason !== null && PASSED_OVER.has(endReason)),
  };
}

const undecided = (leads: RoutedLead[], facts: LeadFacts[]): Undecided[] =>
  leads.map((lead, index) => ({ lead, facts: facts[index]! }));

const poolsOf = (rules: CompiledRules, matches: Match[]) => [...new Set(matches.flatMap((match) => poolsFor(rules, match)))];

/** Decides leads within the lock. The caller stores what was chosen. */
async function choose(
  on: Queryable,
  { rules }: ActiveRules,
  open: Undecided[],
  { members, current, past, at, passedOver }: Earlier & { members: Known['members']; at: Date; passedOver?: string },
): Promise<Chosen> {
  const owners = new Map(current.map(({ personKey, ownerId }) => [personKey, ownerId]));
  const matches = open.map(({ facts }) => matchOf(rules, facts));
  const world = await loadWorld(on, { rules, pools: poolsOf(rules, matches), members, at });
  const made: Made[] = [];
  for (const [index, { lead, facts }] of open.entries()) {
    if (refusalsOf(past, lead.leadId) >= REFUSALS) continue;
    const excluded = excludedOwners(past, lead.leadId, members);
    if (passedOver !== undefined) excluded.set(passedOver, 'has the lead now');
    const existing = existingOf(owners.get(lead.personKey));
    const decision = decide(rules, { lead: facts, match: matches[index]!, existing, excluded }, world);
    if (!decision.owner) continue;
    owners.set(lead.personKey, decision.owner.ownerId);
    made.push({ lead, decision });
  }
  return { made, changes: world.changedColumns() };
}

function byHand(rules: CompiledRules, lead: RoutedLead, { to, who }: Pick<DueReassignment, 'to' | 'who'>): Made[] {
  const rep = rules.reps.get(to!) ?? rules.repsByUser.get(ownerIdOf(to!));
  const owner = { rep: rep?.id ?? null, ownerId: rep?.ownerId ?? ownerIdOf(to!) };
  const trace: StoredTrace = [{ name: 'by hand', outcome: 'chosen', why: `${who} chose this owner` }];
  return [{ lead, decision: { owner, rule: 'by hand', pool: null, trace } }];
}

const existingOf = (ownerId: string | undefined): ExistingOwner | null =>
  ownerId === undefined ? null : { ownerId, source: 'by an earlier decision' };

function refusalsOf(past: Assignment[], lead: string): number {
  return past.filter(({ leadId, endReason }) => leadId === lead && endReason!.startsWith('owner-')).length;
}

function excludedOwners(past: Assignment[], lead: string, members: ReadonlyMap<string, Member>): Map<string, string> {
  const excluded = new Map<string, string>();
  for (const { leadId, ownerId, endReason } of past) {
    if (leadId !== lead) continue;
    // A user who is active again may get leads again; the mirror says so.
    if (endReason === 'owner-inactive' && members.get(ownerId)?.active === true) continue;
    excluded.set(ownerId, endReason!.startsWith('owner-') ? 'was refused by the CRM' : 'had the lead before');
  }
  return excluded;
}

async function store(on: Queryable, version: number, { made, changes }: Chosen): Promise<Assignment[]> {
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
  const values = [...changes, ...columns(rows, names), jsonColumn(made, ({ decision }) => decision.trace)];
  const { rows: stored } = await on.query<AssignmentRow>({ name: 'routing-store', text: STORE, values });
  if (stored.length !== made.length) throw new AppError('UNEXPECTED', 'Decisions were stored in part.');
  return stored;
}

type AssignmentRow = Assignment & Record<string, unknown>;
