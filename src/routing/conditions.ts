import type { Enrichment } from '../domain/enrichment.js';
import { countryCode } from './country-codes.js';
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

type Value = string | number | boolean;

/** `missing`: the lead does not have the fields that would decide. */
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
  return compare(condition, field, read) ? IS : IS_NOT;
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

/** The domain of an address, in lower case. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase();
}

function grouped(condition: ConditionSource): string {
  const text = conditionText(condition);
  return (condition.all ?? condition.any ?? []).length > 1 ? `(${text})` : text;
}

function plainField(lead: LeadFacts, field: string): Value | null {
  if (field === 'email') return lead.email;
  if (field === 'domain') return domainOf(lead.email);
  if (field === 'campaignId') return lead.campaignId;
  if (field === 'band') return lead.band;
  return lead.attributes['country'] ?? null;
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

function compare(condition: ConditionSource, field: string, read: ReadField): boolean {
  const { eq, in: list, gte, lte, matchesDomain } = condition;
  const { value } = read;
  if (eq !== undefined && !equal(field, value, eq)) return false;
  if (list !== undefined && !isListed(field, read, list)) return false;
  if (gte !== undefined && !(numberOf(value) >= gte)) return false;
  if (lte !== undefined && !(numberOf(value) <= lte)) return false;
  return matchesDomain === undefined || [matchesDomain].flat().some((domain) => isWithinDomain(String(value), domain));
}

function numberOf(value: Value): number {
  return typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
}

const wordOf = (value: Value) => String(value).trim().toLowerCase();

/** A number of the rules is marked: as a text, `7` is not `007`, and as a number it is. */
const listedWord = (value: Value) => (typeof value === 'number' ? `#${value}` : wordOf(value));

/** The words of a list, prepared once: a thousand rules compare each lead. */
const prepared = new WeakMap<readonly Value[], ReadonlySet<string>>();

/** The words by which a value of a list is found; `lookupsOf` gives those of a lead. */
export function listWords(field: string, list: readonly Value[]): ReadonlySet<string> {
  const codes = isCountry(field) ? list.map((each) => countryCode(String(each))) : [];
  return new Set([...list.map(listedWord), ...codes.flatMap((code) => (code === null ? [] : [wordOf(code)]))]);
}

/** The words by which lists with the lead's value are found; none where the lead does not have the field. */
export function lookupsOf(lead: LeadFacts, field: string): readonly string[] {
  return readField(lead, field)?.lookups ?? [];
}

function isListed(field: string, { lookups }: ReadField, list: readonly Value[]): boolean {
  let words = prepared.get(list);
  if (!words) prepared.set(list, (words = listWords(field, list)));
  return lookups.some((word) => words.has(word));
}

/** A field of a lead as comparisons need it. */
interface ReadField {
  value: Value;
  /** The word; the code of a country; the number, as lists have it. */
  lookups: string[];
}

/** Each field of a lead is read once for all rules. */
const readFields = new WeakMap<LeadFacts, Map<string, ReadField | null>>();

function readField(lead: LeadFacts, field: string): ReadField | null {
  let fields = readFields.get(lead);
  if (!fields) readFields.set(lead, (fields = new Map<string, ReadField | null>()));
  let read = fields.get(field);
  if (read === undefined) {
    const value = fieldValue(lead, field);
    read = value === null ? null : { value, lookups: lookupsOfValue(field, value) };
    fields.set(field, read);
  }
  return read;
}

function lookupsOfValue(field: string, value: Value): string[] {
  const word = wordOf(value);
  const lookups = [word];
  const country = isCountry(field) ? countryCode(String(value)) : null;
  if (country !== null) lookups.push(wordOf(country));
  if (/^[\d.+-]/u.test(word)) lookups.push(`#${Number(word)}`);
  return lookups;
}

function isCountry(field: string): boolean {
  const name = field.slice(field.lastIndexOf('.') + 1);
  return name.length === 7 && name.toLowerCase() === 'country';
}

/** Without regard to case and spaces. Countries are compared as countries: `Germany` is `DE`. */
export function equal(field: string, value: Value, wanted: Value): boolean {
  const [a, b] = [wordOf(value), wordOf(wanted)];
  if (a === b) return true;
  if (!isCountry(field)) return typeof wanted === 'number' && a !== '' && Number(a) === wanted;
  const code = countryCode(a);
  return code !== null && code === countryCode(b);
}

/** Whether an address or a domain is of a domain or of one below it. */
export function isWithinDomain(value: string, domain: string): boolean {
  return domainsAbove(value).includes(domainWord(domain));
}

/** A domain as rules write it, `@acme.com` and `*.acme.com` too. */
export function domainWord(domain: string): string {
  return domain
    .trim()
    .toLowerCase()
    .replace(/^@|^\*\./u, '');
}

/** The domain of the lead's field, and those above it. */
export function domainLookups(lead: LeadFacts, field: string): string[] {
  const read = readField(lead, field);
  return read ? domainsAbove(String(read.value)) : [];
}

/** `mail.acme.com`, `acme.com`, `com`. */
function domainsAbove(value: string): string[] {
  const parts = domainOf(value.trim()).split('.');
  return parts.map((_, index) => parts.slice(index).join('.'));
}
