import { ownerIdOf } from '../domain/salesforce-id.js';
import type { TraceStep } from './assignments.repository.js';
import { evaluate, domainOf, type LeadFacts } from './conditions.js';
import { availabilityOf, type World } from './availability.js';
import { choosePoolMember } from './pools.js';
import type { CompiledRules, NamedTarget } from './rules.js';
import type { Target } from './rules.schema.js';
import { fitOf } from './territories.js';

/** A person's owner before the decision. */
export interface ExistingOwner {
  ownerId: string;
  /** By what the owner is known: `in the CRM`, `by an earlier decision`. */
  source: string;
}

/** What target lists, territories and rules say about a lead. Who is available does not count here. */
export interface Match {
  target: NamedTarget | null;
  steps: TraceStep[];
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
  trace: TraceStep[];
}

/**
 * The rule of a decision that leaves a person the owner that the person has: one of an earlier decision, or one that a
 * human chose in the CRM.
 */
export const EXISTING_OWNER = 'existing owner';

/** Steps that did not match are listed one by one up to this number. */
const LISTED_STEPS = 60;

/**
 * Decides who owns a lead: the existing owner, the owner of the matched account, a target list, a territory, the rules,
 * the fallback. The same rules, lead and world give the same decision. The turn that a pool gave is kept in the world.
 */
export function decide(rules: CompiledRules, request: DecisionRequest, world: World): Decision {
  const trace: TraceStep[] = [];
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
  trace: TraceStep[],
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
  const { match, whenAway } = rules.source.accounts;
  if (!match) return null;
  const name = 'matched account';
  if (!lead.account) {
    trace.push({ name, outcome: 'no-match', why: 'no account has the domain of the lead' });
    return null;
  }
  const { id, ownerId } = lead.account;
  const owner = check(name, ownerId, `account ${id} has the owner ${ownerId}`, whenAway === 'keep');
  return owner && { owner, rule: name };
}

export function matchOf(rules: CompiledRules, lead: LeadFacts): Match {
  const steps: TraceStep[] = [];
  return { target: findTarget(rules, lead, steps), steps };
}

function findTarget(rules: CompiledRules, lead: LeadFacts, trace: TraceStep[]): NamedTarget | null {
  const host = domainOf(lead.email);
  // acme.com is also the company of mail.acme.com.
  const domain = host
    .split('.')
    .map((_, index, parts) => parts.slice(index).join('.'))
    .find((each) => rules.targets.has(each));
  if (domain !== undefined) {
    const listed = rules.targets.get(domain)!;
    trace.push({ name: listed.name, outcome: 'matched', why: 'the domain of the lead is in this target list' });
    return listed;
  }
  if (rules.targets.size > 0) trace.push({ name: 'target lists', outcome: 'no-match', why: 'the domain of the lead is in none' });
  return matchTerritory(rules, lead, trace) ?? matchRule(rules, lead, trace);
}

function matchTerritory({ source }: CompiledRules, lead: LeadFacts, trace: TraceStep[]): NamedTarget | null {
  let best: (NamedTarget & { specificity: number }) | null = null;
  const steps: TraceStep[] = [];
  for (const territory of source.territories) {
    const fit = fitOf(territory, lead);
    const { name, target } = territory;
    if (fit.fits) {
      if (!best || fit.specificity > best.specificity) best = { name, target, specificity: fit.specificity };
      steps.push({ name, outcome: 'matched', why: 'the lead is of this territory' });
    } else steps.push(notMatched(name, fit.missing, 'the lead is not of this territory'));
  }
  if (!best) addSteps(trace, steps, 'territories', 0);
  else {
    const { name } = best;
    for (const step of steps)
      if (step.outcome === 'matched' && step.name !== name)
        trace.push({ ...step, outcome: 'skipped', why: `the territory \`${name}\` is more specific, or as specific and above` });
    trace.push({ name, outcome: 'matched', why: 'the most specific territory of the lead' });
  }
  return best;
}

function matchRule(rules: CompiledRules, lead: LeadFacts, trace: TraceStep[]): NamedTarget | null {
  const steps: TraceStep[] = [];
  let more = 0;
  for (let index = 0; index < rules.source.rules.length; index++) {
    const { name, when, target } = rules.source.rules[index]!;
    const verdict = evaluate(when, lead);
    const text = rules.conditionTexts[index]!;
    if ('is' in verdict && verdict.is) {
      addSteps(trace, steps, 'rules', more);
      trace.push({ name, outcome: 'matched', why: text });
      return { name, target };
    }
    if (steps.length < LISTED_STEPS) steps.push(notMatched(name, 'missing' in verdict ? verdict.missing : [], `not: ${text}`));
    else more++;
  }
  addSteps(trace, steps, 'rules', more);
  return null;
}

function notMatched(name: string, missing: string[], why: string): TraceStep {
  return missing.length === 0
    ? { name, outcome: 'no-match', why }
    : { name, outcome: 'missing-data', why: `the lead has no ${missing.slice(0, 5).join(', ')}` };
}

function addSteps(trace: TraceStep[], steps: TraceStep[], what: string, more: number): void {
  trace.push(...steps.slice(0, LISTED_STEPS));
  const rest = Math.max(0, steps.length - LISTED_STEPS) + more;
  if (rest > 0) trace.push({ name: what, outcome: 'no-match', why: `${rest} more did not match` });
}

function resolve(
  rules: CompiledRules,
  target: Target,
  { excluded }: DecisionRequest,
  world: World,
  trace: TraceStep[],
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
function lastResort(rules: CompiledRules, { excluded }: DecisionRequest, world: World, trace: TraceStep[]): Decision | null {
  const { pool } = rules.source.fallback;
  if (pool === undefined) return null;
  const found = choosePoolMember(rules, pool, { excluded, world, trace, withoutLimits: true });
  return found && { owner: found, rule: 'fallback', pool: found.pool, trace };
}
