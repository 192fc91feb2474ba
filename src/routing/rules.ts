import { createHash } from 'node:crypto';
import { AppError, type FieldProblem } from '../domain/app-error.js';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { problemText, schemaProblems } from '../domain/schema-problems.js';
import { readJsonFile } from '../platform/json-document.js';
import { checkReferences, targetsOf } from './check-rules.js';
import { domainWord } from './domain-words.js';
import { withMeantNames } from './known-names.js';
import { RuleIndex } from './rule-index.js';
import { routingRulesSchema, type Pool, type Rep, type RoutingRules, type Target } from './rules.schema.js';
import type { Absence } from './members.repository.js';
import { workingCalendar, type WorkingCalendar } from './working-calendar.js';

/** The rules with what decisions look up in them. */
export interface CompiledRules {
  source: RoutingRules;
  /** As they were written. */
  document: unknown;
  /** SHA-256 of the document, hexadecimal. */
  hash: string;
  reps: ReadonlyMap<string, CompiledRep>;
  /** Reps by their user in the CRM. */
  repsByUser: ReadonlyMap<string, CompiledRep>;
  pools: ReadonlyMap<string, Pool>;
  /** Queues and users that the rules name by their id. */
  queues: ReadonlySet<string>;
  /** Target lists by domain. */
  targets: ReadonlyMap<string, NamedTarget>;
  index: RuleIndex;
}

/** A rule, a territory or a list, and whom it leads to. */
export interface NamedTarget {
  name: string;
  target: Target;
}

export interface CompiledRep extends Rep {
  ownerId: string;
  /** With the absences of the rules and those that operators added. */
  calendar(absent: readonly Absence[]): WorkingCalendar;
}

/**
 * Reads a rules file.
 * @throws AppError CONFIG_INVALID with one line per problem, each with its place in the file.
 */
export async function loadRoutingRules(path: string): Promise<CompiledRules> {
  const read = readRoutingRules(await readJsonFile(path, 'ROUTING_RULES'));
  if ('rules' in read) return read.rules;
  const lines = read.problems.map((problem) => `Configuration: ROUTING_RULES: ${problemText(problem)}.`);
  throw new AppError('CONFIG_INVALID', lines.join('\n'));
}

/** Reads parsed rules; where they are none, says what is wrong and where (`pools[0].members[1].rep`). */
export function readRoutingRules(source: unknown): { rules: CompiledRules } | { problems: FieldProblem[] } {
  const unfit = unfitFor(source);
  if (unfit !== null) return { problems: [{ path: '', message: unfit }] };
  const parsed = routingRulesSchema.safeParse(source);
  if (!parsed.success) return { problems: withMeantNames(schemaProblems(parsed.error), routingRulesSchema) };
  const problems = checkReferences(parsed.data);
  return problems.length > 0 ? { problems } : { rules: compile(parsed.data, source) };
}

const MAX_DEPTH = 100;

/** Why a document can be neither checked nor stored; null where it can. */
function unfitFor(document: unknown): string | null {
  const left: { value: unknown; depth: number }[] = [{ value: document, depth: 0 }];
  for (let each = left.pop(); each; each = left.pop()) {
    const { value, depth } = each;
    if (depth > MAX_DEPTH) return `must not be nested more than ${MAX_DEPTH} levels deep`;
    // PostgreSQL stores neither in JSON.
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
      return 'must have no text with a null character or half of a character';
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value))
      left.push({ value: key, depth }, { value: inner as unknown, depth: depth + 1 });
  }
  return null;
}

function compile(source: RoutingRules, document: unknown): CompiledRules {
  const reps = new Map(source.reps.map((rep) => [rep.id, compileRep(rep, source)]));
  const targets = new Map<string, NamedTarget>();
  for (const { name, domains, target } of source.targets)
    for (const domain of domains) {
      const key = domainWord(domain);
      if (!targets.has(key)) targets.set(key, { name, target });
    }
  return {
    source,
    document,
    hash: createHash('sha256').update(JSON.stringify(document)).digest('hex'),
    reps,
    repsByUser: new Map([...reps.values()].map((rep) => [rep.ownerId, rep])),
    pools: new Map(source.pools.map((pool) => [pool.name, pool])),
    queues: new Set(targetsOf(source).flatMap(({ queue }) => (queue === undefined ? [] : [ownerIdOf(queue)]))),
    targets,
    index: new RuleIndex(source.rules),
  };
}

function compileRep(rep: Rep, { holidays }: RoutingRules): CompiledRep {
  const calendars = new Map<string, WorkingCalendar>();
  return {
    ...rep,
    ownerId: ownerIdOf(rep.crmUserId ?? rep.id),
    calendar(absent) {
      const key = absent.length === 0 ? '' : JSON.stringify(absent);
      let calendar = calendars.get(key);
      if (!calendar) {
        const of = { ...rep, holidays: rep.holidays === undefined ? [] : (holidays[rep.holidays] ?? []) };
        const made = workingCalendar({ ...of, absences: [...rep.absences, ...absent] });
        // The rules and each absence were checked where they were taken in.
        if ('problems' in made) throw new AppError('UNEXPECTED', 'A stored absence cannot be read.');
        calendar = made.calendar;
        calendars.clear();
        calendars.set(key, calendar);
      }
      return calendar;
    },
  };
}
