import type { Enrichment } from '../domain/enrichment.js';
import { listWords, valueWords } from './compared-words.js';
import { domainOf, domainsAbove, domainWord } from './domain-words.js';
import { attributeOf, fieldNamed } from './lead-fields.js';
import { numberRange, type NumberRange } from './number-range.js';
import { OPERATORS, type ConditionSource } from './rules.schema.js';

/** The account of the CRM that a lead belongs to. */
export interface MatchedAccount {
  id: string;
  ownerId: string;
  name: string | null;
  type: string | null;
  industry: string | null;
}

/** What the rules can ask about a lead. */
export interface LeadFacts {
  email: string;
  campaignId: string;
  attributes: Readonly<Record<string, string>>;
  enrichment: Pick<Enrichment, 'fitScore' | 'intent'> & Partial<Enrichment>;
  band: string;
  account: MatchedAccount | null;
}

export type Value = string | number | boolean;

/** `missing`: what the lead does not have and would decide, as `the lead has no …`. */
export type Verdict = { is: boolean } | { missing: string[] };

/** The value of a field as a rule names it; null where the lead has none. */
export function fieldValue(lead: LeadFacts, field: string): Value | null {
  const dot = field.indexOf('.');
  if (dot < 0) return plainField(lead, field);
  const [section, key] = [field.slice(0, dot), field.slice(dot + 1)];
  if (section === 'attributes') return Object.hasOwn(lead.attributes, key) ? lead.attributes[key]! : null;
  const source: unknown = section === 'account' ? lead.account : lead.enrichment;
  return scalarAt(source, key.split('.'));
}

const IS: Verdict = { is: true };
const IS_NOT: Verdict = { is: false };

/** A condition with data that is missing is neither true nor false, unless the other parts decide. */
export function evaluate(condition: ConditionSource, lead: LeadFacts): Verdict {
  if (condition.all) return combine(condition.all, lead, false);
  if (condition.any) return combine(condition.any, lead, true);
  if (condition.not) {
    const verdict = evaluate(condition.not, lead);
    return 'missing' in verdict ? verdict : { is: !verdict.is };
  }
  const field = condition.field!;
  const read = readField(lead, field);
  if (condition.known !== undefined && condition.known !== (read !== null)) return IS_NOT;
  const { eq, in: list, gte, lte, matchesDomain } = condition;
  if ((eq ?? list ?? gte ?? lte ?? matchesDomain) === undefined) return IS;
  if (read === null) return { missing: [field] };
  if (!compare(condition, field, read)) return IS_NOT;
  return gte === undefined && lte === undefined ? IS : withinBounds(lead, field, { min: gte, max: lte });
}

/** A condition in words, for the trace. It has the words of the rules and no value of the lead. */
export function conditionText(condition: ConditionSource): string {
  if (condition.all) return condition.all.map(grouped).join(' and ');
  if (condition.any) return condition.any.map(grouped).join(' or ');
  if (condition.not) return `not ${grouped(condition.not)}`;
  const parts = OPERATORS.flatMap((operator) => {
    const operand = condition[operator];
    if (operand === undefined) return [];
    if (operator === 'known') return [operand === true ? 'is known' : 'is not known'];
    const listed = Array.isArray(operand) ? operand.slice(0, 5).join(', ') + (operand.length > 5 ? ', …' : '') : String(operand);
    return [`${WORDS[operator]} ${listed}`];
  });
  return `${condition.field!} ${parts.join(' and ')}`;
}

const WORDS = { eq: 'is', in: 'is one of', gte: '≥', lte: '≤', matchesDomain: 'is of the domain' };

function grouped(condition: ConditionSource): string {
  const text = conditionText(condition);
  return (condition.all ?? condition.any ?? []).length > 1 ? `(${text})` : text;
}

function plainField(lead: LeadFacts, field: string): Value | null {
  if (field === 'email') return lead.email;
  if (field === 'domain') return domainOf(lead.email);
  if (field === 'campaignId') return lead.campaignId;
  if (field === 'band') return lead.band;
  return attributeOf(lead.attributes, 'country') ?? null;
}

function scalarAt(source: unknown, path: string[]): Value | null {
  let value = source;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** `decisive`: the verdict of one part that decides for all. */
function combine(parts: ConditionSource[], lead: LeadFacts, decisive: boolean): Verdict {
  let missing: string[] | undefined;
  for (const part of parts) {
    const verdict = evaluate(part, lead);
    if ('missing' in verdict) missing = [...new Set([...(missing ?? []), ...verdict.missing])];
    else if (verdict.is === decisive) return verdict;
  }
  return missing ? { missing } : decisive ? IS_NOT : IS;
}

/** All that are given must hold; `gte` and `lte` are apart. */
function compare(condition: ConditionSource, field: string, read: ReadField): boolean {
  const { eq, in: list, matchesDomain } = condition;
  if (eq !== undefined && !isListed(field, read.lookups, [eq], condition)) return false;
  if (list !== undefined && !isListed(field, read.lookups, list)) return false;
  if (matchesDomain === undefined) return true;
  let domains = preparedDomains.get(condition);
  if (!domains) preparedDomains.set(condition, (domains = new Set([matchesDomain].flat().map(domainWord))));
  return domainsOf(read).some((domain) => domains.has(domain));
}

/** The domains of a condition, as `prepared` has words. */
const preparedDomains = new WeakMap<ConditionSource, ReadonlySet<string>>();

/** Whether the number of a field is within bounds, both included. A text such as `51-200` may not say. */
export function withinBounds(lead: LeadFacts, field: string, { min = -Infinity, max = Infinity }: Bounds): Verdict {
  const read = readField(lead, field);
  if (read === null) return { missing: [field] };
  read.range ??= numberRange(read.value, fieldNamed(field) === 'employees') ?? NO_NUMBER;
  const { from, to } = read.range;
  if (from >= min && to <= max) return IS;
  return from > max || to < min ? IS_NOT : { missing: [`exact number in ${field}`] };
}

interface Bounds {
  min?: number | undefined;
  max?: number | undefined;
}

/** Of a text that is no number nothing can be said, whatever the bounds are. */
const NO_NUMBER: NumberRange = { from: Number.NaN, to: Number.NaN };

/** The words of a list by its object in the rules, prepared once: a thousand rules compare each lead. */
const prepared = new WeakMap<object, ReadonlySet<string>>();

/** The words by which lists with the lead's value are found; none where the lead does not have the field. */
export function lookupsOf(lead: LeadFacts, field: string): readonly string[] {
  return readField(lead, field)?.lookups ?? [];
}

/** Whether the lead's value of a field is one of a list; null where the lead does not have the field. */
export function isAmong(lead: LeadFacts, field: string, list: readonly Value[]): boolean | null {
  const read = readField(lead, field);
  return read && isListed(field, read.lookups, list);
}

function isListed(field: string, lookups: readonly string[], list: readonly Value[], of: object = list): boolean {
  let words = prepared.get(of);
  if (!words) prepared.set(of, (words = listWords(field, list)));
  return lookups.some((word) => words.has(word));
}

/** A field of a lead as comparisons need it. */
interface ReadField {
  value: Value;
  /** The word; the code of a country; the number, as lists have it. */
  lookups: string[];
  /** Read when they are asked for. */
  range?: NumberRange;
  domains?: string[];
}

/** Each field of a lead is read once for all rules. */
const readFields = new WeakMap<LeadFacts, Map<string, ReadField | null>>();

function readField(lead: LeadFacts, field: string): ReadField | null {
  let fields = readFields.get(lead);
  if (!fields) readFields.set(lead, (fields = new Map<string, ReadField | null>()));
  let read = fields.get(field);
  if (read === undefined) {
    const value = fieldValue(lead, field);
    read = value === null ? null : { value, lookups: valueWords(field, value, attributeOf(lead.attributes, 'country')) };
    fields.set(field, read);
  }
  return read;
}

/** The domain of the lead's field, and those above it. */
export function domainLookups(lead: LeadFacts, field: string): string[] {
  const read = readField(lead, field);
  return read ? domainsOf(read) : [];
}

function domainsOf(read: ReadField): string[] {
  return (read.domains ??= domainsAbove(String(read.value)));
}
