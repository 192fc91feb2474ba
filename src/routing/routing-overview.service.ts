import { Inject, Injectable } from '@nestjs/common';
import { AppError, type FieldProblem } from '../domain/app-error.js';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { problemText } from '../domain/schema-problems.js';
import type { Clock } from '../platform/clock.js';
import { Database } from '../platform/database/database.js';
import { closestName } from '../platform/http/closest-name.js';
import { CLOCK } from '../platform/platform.module.js';
import { ActiveRulesService } from './active-rules.service.js';
import { checkIntent } from './check-rules.js';
import type { LeadFacts } from './conditions.js';
import type { Decision } from './decide.js';
import { DecisionsRepository } from './decisions.repository.js';
import { MembersRepository, type Absence } from './members.repository.js';
import { nextOfPool } from './pools.js';
import { RuleVersionsRepository } from './rule-versions.repository.js';
import { readRoutingRules, type CompiledRules } from './rules.js';
import { readableTrace, type StoredTrace, type TraceStep } from './trace.js';
import { loadWorld } from './turns.repository.js';
import { workingCalendar } from './working-calendar.js';

export type LeadToSimulate = Omit<LeadFacts, 'account'>;

/** Looks at the rules and at the pools, tries rules, and edits versions and absences. No method takes a turn. */
@Injectable()
export class RoutingOverviewService {
  constructor(
    private readonly database: Database,
    private readonly active: ActiveRulesService,
    private readonly versions: RuleVersionsRepository,
    private readonly members: MembersRepository,
    private readonly decisions: DecisionsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  get isOn(): boolean {
    return this.active.isOn;
  }

  /** The pools with whose turn it is, what each member had and should have had, and the versions of the rules. */
  async overview() {
    if (!this.active.isOn) return { on: false, version: null, ofFile: false, pools: [], members: [], versions: [] };
    const active = await this.active.required();
    const { rules, version } = active;
    const users = await this.members.get([...rules.repsByUser.keys()]);
    const members = new Map(users.map((user) => [user.userId, user]));
    const names = [...rules.pools.keys()];
    const world = await loadWorld(this.database, { rules, pools: names, members, at: this.now() });
    const pools = [...rules.pools.values()].map((pool) => {
      const state = nextOfPool(rules, pool, world);
      return {
        name: pool.name,
        next: state.next,
        members: state.members.map(({ rep, ownerId: crmUserId, weight, turn: { assigned, expected, credit }, away }) => ({
          rep,
          crmUserId,
          weight,
          assigned,
          expected: rounded(expected),
          credit: rounded(credit),
          away,
        })),
      };
    });
    const reps = [...rules.reps.values()].map(({ id: rep, ownerId: crmUserId, active: isActive }) => {
      const member = members.get(crmUserId);
      return { rep, crmUserId, absences: member?.absent ?? [], active: isActive && member?.active !== false };
    });
    const versions = (await this.versions.list()).map(({ hash: _hash, at, ...row }) => ({ ...row, at: at.toISOString() }));
    return { on: true, version, ofFile: this.active.isOfFile(active), pools, members: reps, versions };
  }

  /** @throws AppError NOT_FOUND, or BAD_REQUEST where routing is off. */
  async simulate(lead: LeadToSimulate, at?: string, version?: number): Promise<Decision & { steps: TraceStep[] }> {
    const rules = version === undefined ? (await this.active.required()).rules : await this.active.of(version);
    const decision = await this.decisions.simulate(rules, lead, at === undefined ? this.now() : new Date(at));
    return { ...decision, steps: readableTrace(decision.trace, rules.source) };
  }

  /** The steps of a decision by a version of the rules, for people. */
  async readableTrace(trace: StoredTrace, version: number): Promise<TraceStep[]> {
    const rules = await this.active.of(version).catch((error: unknown) => {
      // A version of a later release.
      if (AppError.from(error).code === 'CONFIG_INVALID') return null;
      throw error;
    });
    return readableTrace(trace, rules?.source ?? null);
  }

  /** The user or queue of the CRM that a rep of the active rules is; any other name is one itself. */
  async ownerIdOf(name: string): Promise<string> {
    const { rules } = await this.active.required();
    return rules.reps.get(name)?.ownerId ?? ownerIdOf(name);
  }

  /**
   * The name of an owner as a person gives it: a rep, or a user or queue of the CRM.
   * @throws AppError BAD_REQUEST where neither the rules nor the mirror know it and it is no id of Salesforce.
   */
  async requireOwner(name: string): Promise<void> {
    const { rules } = await this.active.required();
    const ownerId = rules.reps.get(name)?.ownerId ?? ownerIdOf(name);
    const isKnown = rules.repsByUser.has(ownerId) || rules.queues.has(ownerId) || /^00[5G][A-Za-z0-9]{15}$/u.test(ownerId);
    if (isKnown || (await this.members.get([ownerId])).length > 0) return;
    const meant = closestName(name, [...rules.reps.keys()]);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new AppError('BAD_REQUEST', `\`to\` is no rep of the active rules, and no user or queue that is known.${hint}`);
  }

  /** The same leads by the active rules and by others, as if they came in now. */
  async compare(rules: CompiledRules, leads: LeadToSimulate[]): Promise<{ current: Decision; proposed: Decision }[]> {
    const { rules: active } = await this.active.required();
    const at = this.now();
    const current = await this.decisions.tryRules(active, leads, at);
    const proposed = await this.decisions.tryRules(rules, leads, at);
    return current.map((decision, index) => ({ current: decision, proposed: proposed[index]! }));
  }

  async check(document: unknown): Promise<{ problems: FieldProblem[]; warnings: FieldProblem[] }> {
    const read = readRoutingRules(document);
    if ('problems' in read) return { problems: read.problems, warnings: [] };
    return { problems: [], warnings: checkIntent(read.rules.source, await this.members.mirrored()) };
  }

  /** @throws AppError BAD_REQUEST with the problems. */
  parse(document: unknown): CompiledRules {
    const read = readRoutingRules(document);
    if ('rules' in read) return read.rules;
    const problems = read.problems.map(({ path, message }) => ({ path: path === '' ? 'rules' : `rules.${path}`, message }));
    const text = `The routing rules are not valid. ${problems.map((each) => `${problemText(each)}.`).join(' ')}`;
    throw new AppError('BAD_REQUEST', text.slice(0, 2000), { problems });
  }

  /** The rules of a stored version. @throws AppError NOT_FOUND */
  rulesOf(version: number): Promise<CompiledRules> {
    return this.active.of(version);
  }

  async store(who: string, document: unknown, note: string): Promise<{ version: number; isNew: boolean }> {
    await this.active.required();
    return this.versions.store(who, this.parse(document), note);
  }

  /** @throws AppError NOT_FOUND */
  async activate(who: string, version: number): Promise<void> {
    await this.active.required();
    // A version of a later release may have rules that this one does not know.
    await this.active.of(version);
    await this.versions.activate(who, version);
  }

  /** @throws AppError BAD_REQUEST where no other version was active before. */
  async rollBack(who: string): Promise<void> {
    await this.active.required();
    await this.versions.rollBack(who);
  }

  /** Replaces the absences that operators entered. @throws AppError NOT_FOUND, BAD_REQUEST where one cannot be read */
  async setAbsences(who: string, id: string, absences: Absence[]): Promise<void> {
    const { rules } = await this.active.required();
    const rep = rules.reps.get(id) ?? rules.repsByUser.get(ownerIdOf(id));
    if (!rep) throw new AppError('NOT_FOUND', 'The active routing rules have no such rep.');
    const made = workingCalendar({ timeZone: rep.timeZone, absences });
    if ('problems' in made) throw new AppError('BAD_REQUEST', `The absences cannot be read: ${made.problems.join('; ')}.`);
    await this.members.setAbsences(who, rep.ownerId, absences);
  }

  private now(): Date {
    return new Date(this.clock.now());
  }
}

const rounded = (value: number) => Number(value.toFixed(3));
