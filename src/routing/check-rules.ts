import type { FieldProblem } from '../domain/app-error.js';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { checkValues } from './check-values.js';
import { listWords, valueWords } from './compared-words.js';
import { domainsAbove, domainWord } from './domain-words.js';
import { hoursWithout, type FirstTouchPolicy } from './first-touch.schema.js';
import { DIMENSIONS, type ConditionSource, type RoutingRules, type Target, type Territory } from './rules.schema.js';
import { workingCalendar } from './working-calendar.js';

/** Faults with which no decision can be made: the rules are refused. */
export function checkReferences(rules: RoutingRules): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (path: string, message: string) => problems.push({ path, message });
  const reps = new Set(rules.reps.map(({ id }) => id));
  const pools = new Map(rules.pools.map((pool) => [pool.name, pool]));
  const checkTarget = (path: string, { pool, rep }: Target) => {
    if (pool !== undefined && !pools.has(pool)) add(`${path}.pool`, `\`${pool}\` is none of the pools`);
    if (rep !== undefined && !reps.has(rep)) add(`${path}.rep`, `\`${rep}\` is none of the reps`);
  };
  for (const [section, names] of Object.entries({
    reps: rules.reps.map(({ id }) => id),
    pools: rules.pools.map(({ name }) => name),
    rules: [...rules.targets, ...rules.territories, ...rules.rules].map(({ name }) => name),
  }))
    for (const name of new Set(names.filter((each, index) => names.indexOf(each) < index)))
      add(section, `the name \`${name}\` occurs more than once`);
  const users = rules.reps.map(({ id, crmUserId }) => ownerIdOf(crmUserId ?? id));
  for (const user of new Set(users.filter((each, index) => users.indexOf(each) < index)))
    add('reps', `several reps are the user \`${user}\``);
  rules.reps.forEach((rep, index) => {
    const unknownList = rep.holidays !== undefined && !(rep.holidays in rules.holidays);
    if (unknownList) add(`reps[${index}].holidays`, `\`${rep.holidays}\` is none of the lists in \`holidays\``);
    const made = workingCalendar({ ...rep, holidays: rules.holidays[rep.holidays ?? ''] ?? [] });
    if ('problems' in made) for (const problem of made.problems) add(`reps[${index}]`, problem);
  });
  rules.pools.forEach(({ members, whenNone }, index) => {
    const seen = new Set<string>();
    members.forEach(({ rep }, place) => {
      if (!reps.has(rep)) add(`pools[${index}].members[${place}].rep`, `\`${rep}\` is none of the reps`);
      if (seen.has(rep)) add(`pools[${index}].members[${place}].rep`, `\`${rep}\` is in the pool twice`);
      seen.add(rep);
    });
    if (typeof whenNone === 'object' && !pools.has(whenNone.pool))
      add(`pools[${index}].whenNone.pool`, `\`${whenNone.pool}\` is none of the pools`);
  });
  rules.targets.forEach(({ target }, index) => checkTarget(`targets[${index}].then`, target));
  rules.territories.forEach(({ target }, index) => checkTarget(`territories[${index}].then`, target));
  rules.rules.forEach(({ target }, index) => checkTarget(`rules[${index}].then`, target));
  checkTarget('fallback', rules.fallback);
  const quietHours = rules.firstTouch?.quietHours;
  if (quietHours !== undefined && 'problems' in workingCalendar({ timeZone: 'UTC', hours: hoursWithout(quietHours) }))
    add('firstTouch.quietHours', `\`${quietHours}\` is no range of times such as 20:00-08:00`);
  const last = pools.get(rules.fallback.pool ?? '');
  if (last && !last.members.some(({ weight }) => weight > 0))
    add('fallback.pool', `the pool \`${last.name}\` has no member with a weight above 0`);
  return problems;
}

/** A user of the CRM, as far as the mirror knows it. */
export interface KnownUser {
  userId: string;
  active: boolean;
}

/**
 * What is probably not meant, although decisions can be made.
 * @param users of the CRM; null where there is no mirror yet.
 */
export function checkIntent(rules: RoutingRules, users: KnownUser[] | null): FieldProblem[] {
  const warnings: FieldProblem[] = [];
  const add = (path: string, message: string) => warnings.push({ path, message });
  if (users) checkUsers(rules, users, add);
  if (rules.firstTouch) checkFirstTouch(rules.firstTouch, rules.fallback, users, add);
  rules.pools.forEach(({ name, members }, index) => {
    const path = `pools[${index}]`;
    const paused = members.filter(({ weight }) => weight === 0);
    if (members.length === 0) add(path, `the pool \`${name}\` has no members`);
    else if (paused.length === members.length)
      add(path, `all weights of the pool \`${name}\` are 0, so that no member gets a lead`);
    else if (paused.length > 0) add(path, `the weight of ${paused.map(({ rep }) => `\`${rep}\``).join(', ')} is 0: no leads`);
    if (!isUsed(name, rules)) add(path, `no rule leads to the pool \`${name}\``);
  });
  const used = new Set([
    ...rules.pools.flatMap(({ members }) => members.map(({ rep }) => rep)),
    ...targetsOf(rules).map(({ rep }) => rep),
  ]);
  rules.reps.forEach(({ id }, index) => {
    if (!used.has(id)) add(`reps[${index}]`, `\`${id}\` is in no pool and no rule`);
  });
  const conjunctions = rules.rules.map(({ when }) => conjunctsOf(when));
  rules.rules.forEach(({ name }, index) => {
    const before = conjunctions.slice(0, index).findIndex((earlier) => covers(earlier, conjunctions[index]!));
    if (before >= 0)
      add(
        `rules[${index}]`,
        `the rule \`${name}\` is never reached: each lead of it is one of \`${rules.rules[before]!.name}\` above`,
      );
  });
  rules.territories.forEach((territory, index) => {
    const twin = rules.territories.slice(0, index).find((other) => overlap(other, territory));
    if (twin)
      add(
        `territories[${index}]`,
        `\`${territory.name}\` overlaps \`${twin.name}\`, which is as specific: where both fit, the one above decides`,
      );
  });
  checkValues(rules, add);
  return warnings;
}

type Add = (path: string, message: string) => void;

function checkUsers(rules: RoutingRules, users: KnownUser[], add: Add): void {
  const known = new Map(users.map((user) => [user.userId, user]));
  const reps = new Set(rules.reps.map(({ id }) => id));
  rules.reps.forEach(({ id, crmUserId, manager }, index) => {
    if (manager !== undefined && !reps.has(manager) && !known.has(ownerIdOf(manager)))
      add(`reps[${index}].manager`, `\`${manager}\` is none of the reps and no user of the CRM`);
    const user = known.get(ownerIdOf(crmUserId ?? id));
    if (!user) add(`reps[${index}].crmUserId`, `\`${crmUserId ?? id}\` is no user of the CRM`);
    else if (!user.active) add(`reps[${index}].crmUserId`, `the user \`${crmUserId ?? id}\` is inactive in the CRM`);
  });
}

function checkFirstTouch(policy: FirstTouchPolicy, fallback: Target, users: KnownUser[] | null, add: Add): void {
  const { steps, maxReassignments, slackUsers, automationUsers } = policy;
  if (fallback.pool !== undefined && steps.some((step) => step.do === 'reassign'))
    add(
      'firstTouch.maxReassignments',
      `after ${maxReassignments} owners the last one keeps the lead, since the fallback is a pool: name a queue or a rep there`,
    );
  if (!users) return;
  const known = new Set(users.map(({ userId }) => userId));
  for (const [section, ids] of Object.entries({ slackUsers: Object.keys(slackUsers), automationUsers }))
    for (const id of ids) if (!known.has(ownerIdOf(id))) add(`firstTouch.${section}`, `\`${id}\` is no user of the CRM`);
}

/** Whom the rules lead to. */
export function targetsOf(rules: RoutingRules): Target[] {
  return [...[...rules.targets, ...rules.territories, ...rules.rules].map(({ target }) => target), rules.fallback];
}

function isUsed(pool: string, rules: RoutingRules): boolean {
  const overflows = rules.pools.some(({ whenNone }) => typeof whenNone === 'object' && whenNone.pool === pool);
  return overflows || targetsOf(rules).some((target) => target.pool === pool);
}

/** Conditions that must all hold. */
function conjunctsOf(condition: ConditionSource): ConditionSource[] {
  return condition.all ? condition.all.flatMap(conjunctsOf) : [condition];
}

/** Whether each lead of `inner` is a lead of `outer`; false where that is not plain to see. */
function covers(outer: ConditionSource[], inner: ConditionSource[]): boolean {
  return outer.every((wide) => inner.some((narrow) => implies(narrow, wide)));
}

function implies(narrow: ConditionSource, wide: ConditionSource): boolean {
  if (JSON.stringify(narrow) === JSON.stringify(wide)) return true;
  if (wide.any && wide.any.some((part) => covers(conjunctsOf(part), [narrow]))) return true;
  if (narrow.any) return narrow.any.every((part) => covers([wide], conjunctsOf(part)));
  if (narrow.field === undefined || narrow.field !== wide.field || wide.known === false || narrow.known === false) return false;
  const listed = narrow.eq === undefined ? narrow.in : [narrow.eq];
  const allowed = wide.eq === undefined ? wide.in : [wide.eq];
  if (allowed && !(listed && isWithin(narrow, wide))) return false;
  if (wide.gte !== undefined && !((narrow.gte ?? -Infinity) >= wide.gte || listed?.every((each) => Number(each) >= wide.gte!)))
    return false;
  if (wide.lte !== undefined && !((narrow.lte ?? Infinity) <= wide.lte || listed?.every((each) => Number(each) <= wide.lte!)))
    return false;
  if (wide.matchesDomain === undefined) return true;
  const { domains } = valuesOf(wide);
  const inner = valuesOf(narrow).domains;
  return inner.size > 0 && [...inner].every((each) => domainsAbove(each).some((domain) => domains.has(domain)));
}

/** Whether each value of `narrow` is one of `wide`. */
function isWithin(narrow: ConditionSource, wide: ConditionSource): boolean {
  const { allowed } = valuesOf(wide);
  return valuesOf(narrow).listed.every((words) => words.some((word) => allowed.has(word)));
}

const valuesOf = (condition: ConditionSource): Values => {
  const { field = '', eq, in: list = [], matchesDomain = [] } = condition;
  return wordsOf(condition, field, eq === undefined ? list : [eq], [matchesDomain].flat());
};

interface Values {
  /** As leads have them: the words of each. */
  listed: string[][];
  /** As a list is searched. */
  allowed: ReadonlySet<string>;
  domains: ReadonlySet<string>;
}

/** By the object in the rules: each rule and each territory is compared with all above it. */
const prepared = new WeakMap<object, Values>();

function wordsOf(
  key: object,
  field: string,
  values: readonly (string | number | boolean)[],
  domains: readonly string[] = [],
): Values {
  let words = prepared.get(key);
  if (!words) {
    const listed = values.map((each) => valueWords(field, each, undefined));
    words = { listed, allowed: listWords(field, values), domains: new Set(domains.map(domainWord)) };
    prepared.set(key, words);
  }
  return words;
}

/** Where the values of a dimension have more than one spelling: a field that is compared in the same way. */
const FIELDS_OF: Partial<Record<(typeof DIMENSIONS)[number], string>> = {
  countries: 'country',
  regions: 'state',
  languages: 'language',
};

/** Both name the same dimensions, some lead is of both, and they lead to different owners. */
function overlap(a: Territory, b: Territory): boolean {
  if (JSON.stringify(a.target) === JSON.stringify(b.target)) return false;
  if ((a.employees === undefined) !== (b.employees === undefined)) return false;
  const { min: from = 0, max: to = Infinity } = a.employees ?? {};
  const { min = 0, max = Infinity } = b.employees ?? {};
  if (from > max || min > to) return false;
  return DIMENSIONS.every((dimension) => {
    if (dimension === 'employees') return true;
    const [one, other] = [a[dimension], b[dimension]];
    if (!one || !other) return one === other;
    const field = FIELDS_OF[dimension] ?? dimension;
    const [first, second] = [wordsOf(one, field, one), wordsOf(other, field, other)];
    const isShared = ({ listed }: Values, { allowed }: Values) => listed.some((words) => words.some((word) => allowed.has(word)));
    return isShared(first, second) || isShared(second, first);
  });
}
