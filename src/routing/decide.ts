import { ownerIdOf } from '../domain/salesforce-id.js';
import { conditionText, evaluate, type LeadFacts } from './conditions.js';
import { availabilityOf, type World } from './availability.js';
import { domainsAbove } from './domain-words.js';
import { choosePoolMember } from './pools.js';
import type { CompiledRules, NamedTarget } from './rules.js';
import type { Target } from './rules.schema.js';
import { fitOf } from './territories.js';
import { LISTED_STEPS, type StoredTrace, type Unmatched } from './trace.js';

/** A person's owner before the decision. */
export interface ExistingOwner {
  ownerId: string;
  /** By what the owner is known: `in the CRM`, `by an earlier decision`. */
  source: string;
}

/** What target lists, territories and rules say about a lead. Who is available does not count here. */
export interface Match {
  target: NamedTarget | null;
  steps: StoredTrace;
}

export interface DecisionRequest {
  lead: LeadFacts;
  /** Of this lead, where the caller knows it already. */
  match?: Match;
  existing: ExistingOwner | null;
  /** Owners that must not get the lead, with the reason: an earlier owner, an inactive user. */
  excluded: ReadonlyMap<string, string>;
}

export interface Decision {
  /** Null where no rep may own the lead: the CRM's own assignment remains. */
  owner: { rep: string | null; ownerId: string } | null;
  rule: string;
  pool: string | null;
  trace: StoredTrace;
}

/**
 * The rule of a decision that leaves a person the owner that the person has: one of an earlier decision, or one that a
 * human chose in the CRM.
 */
export const EXISTING_OWNER = 'existing owner';

/**
 * Decides who owns a lead: the existing owner, the owner of the matched account, a target list, a territory, the rules,
 * the fallback. The same rules, lead and world give the same decision. The turn that a pool gave is kept in the world.
 */
export function decide(rules: CompiledRules, request: DecisionRequest, world: World): Decision {
  const trace: StoredTrace = [];
  const known = knownOwner(rules, request, world, trace);
  if (known) return { ...known, pool: null, trace };
  const { target: matched, steps } = request.match ?? matchOf(rules, request.lead);
  trace.push(...steps);
  const attempt = (rule: string, target: Target): Decision | null => {
    const found = resolve(rules, target, request, world, trace);
    return found && { owner: found, rule, pool: found.pool, trace };
  };
  if (matched) {
    const decision = attempt(matched.name, matched.target);
    if (decision) return decision;
  }
  trace.push({ name: 'fallback', outcome: 'matched', why: matched ? `${matched.name} has no owner for it` : 'no rule matched' });
  const decision = attempt('fallback', rules.source.fallback) ?? lastResort(rules, request, world, trace);
  if (decision) return decision;
  trace.push({ name: 'CRM', outcome: 'chosen', why: 'no rep may own the lead: the CRM assigns it' });
  return { owner: null, rule: 'fallback', pool: null, trace };
}

/** The pools that a decision by this match may ask: that of its rule, those behind it, and those of the fallback. */
export function poolsFor(rules: CompiledRules, match: Match): string[] {
  const names = new Set<string>();
  const add = (name: string | undefined) => {
    if (name === undefined || names.has(name)) return;
    names.add(name);
    const { whenNone } = rules.pools.get(name)!;
    if (typeof whenNone === 'object') add(whenNone.pool);
  };
  add(match.target?.target.pool);
  add(rules.source.fallback.pool);
  return [...names];
}

type Found = { rep: string | null; ownerId: string };

function knownOwner(
  rules: CompiledRules,
  { lead, existing, excluded }: DecisionRequest,
  world: World,
  trace: StoredTrace,
): { owner: Found; rule: string } | null {
  const check = (name: string, ownerId: string, found: string, keepAway: boolean): Found | null => {
    const rep = rules.repsByUser.get(ownerId);
    const reason =
      excluded.get(ownerId) ?? availabilityOf(world, { ownerId, rep, hours: false, caps: false, absences: !keepAway });
    trace.push({
      name,
      outcome: reason === null ? 'chosen' : 'skipped',
      why: reason === null ? found : `${found}, who ${reason}`,
    });
    return reason === null ? { rep: rep?.id ?? null, ownerId } : null;
  };
  if (existing) {
    const name = EXISTING_OWNER;
    const owner = check(name, existing.ownerId, `the person has the owner ${existing.ownerId} ${existing.source}`, true);
    if (owner) return { owner, rule: name };
  }
  const { match, whenAway, owners } = rules.source.accounts;
  if (!match) return null;
  const name = 'matched account';
  if (!lead.account) {
    trace.push({ name, outcome: 'no-match', why: 'no account has the domain of the lead' });
    return null;
  }
  const { id, ownerId } = lead.account;
  if (owners === 'reps' && !rules.repsByUser.has(ownerId)) {
    trace.push({ name, outcome: 'skipped', why: `account ${id} has the owner ${ownerId}, who is none of the reps` });
    return null;
  }
  const owner = check(name, ownerId, `account ${id} has the owner ${ownerId}`, whenAway === 'keep');
  return owner && { owner, rule: name };
}

export function matchOf(rules: CompiledRules, lead: LeadFacts): Match {
  const steps: StoredTrace = [];
  return { target: findTarget(rules, lead, steps), steps };
}

function findTarget(rules: CompiledRules, lead: LeadFacts, trace: StoredTrace): NamedTarget | null {
  // acme.com is also the company of mail.acme.com.
  const domain = domainsAbove(lead.email).find((each) => rules.targets.has(each));
  if (domain !== undefined) {
    const listed = rules.targets.get(domain)!;
    trace.push({ name: listed.name, outcome: 'matched', why: 'the domain of the lead is in this target list' });
    return listed;
  }
  if (rules.targets.size > 0) trace.push({ name: 'target lists', outcome: 'no-match', why: 'the domain of the lead is in none' });
  return matchTerritory(rules, lead, trace) ?? matchRule(rules, lead, trace);
}

function matchTerritory({ source }: CompiledRules, lead: LeadFacts, trace: StoredTrace): NamedTarget | null {
  let best: (NamedTarget & { specificity: number }) | null = null;
  const fitting: string[] = [];
  const unmatched = new UnmatchedList('territories');
  for (const territory of source.territories) {
    const fit = fitOf(territory, lead);
    const { name, target } = territory;
    if (fit.fits) {
      if (!best || fit.specificity > best.specificity) best = { name, target, specificity: fit.specificity };
      fitting.push(name);
    } else unmatched.add(fit.missing);
  }
  if (!best) {
    unmatched.end(source.territories.length, trace);
    return null;
  }
  const { name: chosen } = best;
  const why = `the territory \`${chosen}\` is more specific, or as specific and above`;
  for (const name of fitting) if (name !== chosen) trace.push({ name, outcome: 'skipped', why });
  trace.push({ name: chosen, outcome: 'matched', why: 'the most specific territory of the lead' });
  return best;
}

function matchRule({ source, index }: CompiledRules, lead: LeadFacts, trace: StoredTrace): NamedTarget | null {
  const isTrue = (place: number) => {
    const verdict = evaluate(source.rules[place]!.when, lead);
    return 'is' in verdict && verdict.is;
  };
  const matched = index.candidates(lead).find(isTrue);
  const unmatched = new UnmatchedList('rules');
  const count = matched ?? source.rules.length;
  for (const { when } of source.rules.slice(0, Math.min(count, LISTED_STEPS))) {
    const verdict = evaluate(when, lead);
    unmatched.add('missing' in verdict ? verdict.missing : []);
  }
  unmatched.end(count, trace);
  if (matched === undefined) return null;
  const { name, when, target } = source.rules[matched]!;
  trace.push({ name, outcome: 'matched', why: conditionText(when) });
  return { name, target };
}

/** Collects what a trace says of rules or territories that did not match. */
class UnmatchedList {
  private readonly missing: Record<string, number[]> = {};
  private place = 0;

  constructor(private readonly what: Unmatched['unmatched']) {}

  add(missing: string[]): void {
    const place = this.place++;
    if (missing.length === 0 || place >= LISTED_STEPS) return;
    (this.missing[missing.slice(0, 5).join(', ')] ??= []).push(place);
  }

  end(count: number, trace: StoredTrace): void {
    if (count === 0) return;
    const isComplete = Object.keys(this.missing).length === 0;
    trace.push({ unmatched: this.what, count, ...(isComplete ? {} : { missing: this.missing }) });
  }
}

function resolve(
  rules: CompiledRules,
  target: Target,
  { excluded }: DecisionRequest,
  world: World,
  trace: StoredTrace,
): (Found & { pool: string | null }) | null {
  if (target.pool !== undefined) return choosePoolMember(rules, target.pool, { excluded, world, trace });
  if (target.queue !== undefined) {
    const ownerId = ownerIdOf(target.queue);
    const reason = excluded.get(ownerId);
    trace.push({
      name: target.queue,
      outcome: reason ? 'skipped' : 'chosen',
      why: reason ? `it ${reason}` : 'named by the rule',
    });
    return reason ? null : { rep: null, ownerId, pool: null };
  }
  const rep = rules.reps.get(target.rep!)!;
  const { id, ownerId } = rep;
  const reason = excluded.get(ownerId) ?? availabilityOf(world, { ownerId, rep, hours: false, caps: false, absences: true });
  trace.push({
    name: id,
    outcome: reason === null ? 'chosen' : 'none-eligible',
    why: reason === null ? 'named by the rule' : `${id} ${reason}`,
  });
  return reason === null ? { rep: id, ownerId, pool: null } : null;
}

/** Of the fallback's pool a member who is neither absent nor inactive, even out of hours and over a cap. */
function lastResort(rules: CompiledRules, { excluded }: DecisionRequest, world: World, trace: StoredTrace): Decision | null {
  const { pool } = rules.source.fallback;
  if (pool === undefined) return null;
  const found = choosePoolMember(rules, pool, { excluded, world, trace, withoutLimits: true });
  return found && { owner: found, rule: 'fallback', pool: found.pool, trace };
}
