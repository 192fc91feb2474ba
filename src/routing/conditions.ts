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

/** A condition with data that is missing is neither true nor false, unless the other parts decide. */
export function evaluate(condition: ConditionSource, lead: LeadFacts): Verdict {
  if (condition.all) return combine(condition.all, lead, false);
  if (condition.any) return combine(condition.any, lead, true);
  if (condition.not) {
    const verdict = evaluate(condition.not, lead);
    return 'missing' in verdict ? verdict : { is: !verdict.is };
  }
  const field = condition.field!;
  const value = fieldValue(lead, field);
  if (condition.known !== undefined && condition.known !== (value !== null)) return { is: false };
  const compares = OPERATORS.some((operator) => operator !== 'known' && condition[operator] !== undefined);
  if (!compares) return { is: true };
  return value === null ? { missing: [field] } : { is: compare(condition, field, value) };
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
  const missing: string[] = [];
  for (const part of parts) {
    const verdict = evaluate(part, lead);
    if ('missing' in verdict) missing.push(...verdict.missing);
    else if (verdict.is === decisive) return { is: decisive };
  }
  return missing.length > 0 ? { missing: [...new Set(missing)] } : { is: !decisive };
}

function compare(condition: ConditionSource, field: string, value: Value): boolean {
  const { eq, in: list, gte, lte, matchesDomain } = condition;
  if (eq !== undefined && !equal(field, value, eq)) return false;
  if (list !== undefined && !list.some((each) => equal(field, value, each))) return false;
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (gte !== undefined && !(number >= gte)) return false;
  if (lte !== undefined && !(number <= lte)) return false;
  return matchesDomain === undefined || [matchesDomain].flat().some((domain) => isWithinDomain(String(value), domain));
}

/** Without regard to case and spaces. Countries are compared as countries: `Germany` is `DE`. */
export function equal(field: string, value: Value, wanted: Value): boolean {
  const [a, b] = [String(value).trim().toLowerCase(), String(wanted).trim().toLowerCase()];
  if (a === b) return true;
  if (!/(?:^|\.)country$/iu.test(field)) return typeof wanted === 'number' && a !== '' && Number(a) === wanted;
  const code = countryCode(a);
  return code !== null && code === countryCode(b);
}

/** Whether an address or a domain is of a domain or of one below it. */
export function isWithinDomain(value: string, domain: string): boolean {
  const [host, wanted] = [
    domainOf(value.trim()),
    domain
      .trim()
      .toLowerCase()
      .replace(/^@|^\*\./u, ''),
  ];
  return host === wanted || host.endsWith(`.${wanted}`);
}
