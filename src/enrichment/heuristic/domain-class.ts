import { disposableEmailBlocklistSet } from 'disposable-email-domains-js';
import { parse } from 'tldts';
import { LEXICON } from './lexicon.js';

export type DomainClass = 'corporate' | 'free' | 'disposable' | 'education' | 'government';

export interface DomainFacts {
  class: DomainClass;
  /** `acme` of mail.acme.co.uk; empty where there is no registrable domain. */
  label: string;
}

const { free, freeBrands, education, educationNames, government } = LEXICON.domains;

// One set for the whole process: the package builds a new one of 9,000 strings at each of its own checks.
const DISPOSABLE = disposableEmailBlocklistSet();
const FREE = new Set(free);
const FREE_BRANDS = new Set(freeBrands);

/**
 * The class of a normalised (lower-case, ASCII) domain. Disposable is checked first: lists of free-mail domains contain
 * many of them.
 */
export function classifyDomain(domain: string): DomainFacts {
  const { domain: registrable, domainWithoutSuffix, publicSuffix } = parse(domain, { extractHostname: false });
  const label = domainWithoutSuffix ?? '';
  const suffix = publicSuffix ?? '';
  const facts = (name: DomainClass): DomainFacts => ({ class: name, label });
  if (isListed(DISPOSABLE, domain, registrable)) return facts('disposable');
  if (isListed(FREE, domain, registrable) || FREE_BRANDS.has(label)) return facts('free');
  if (endsLike(government, suffix, domain)) return facts('government');
  if (endsLike(education, suffix, domain) || educationNames.some((pattern) => isLike(pattern, label))) return facts('education');
  return facts('corporate');
}

function isListed(list: Set<string>, domain: string, registrable: string | null): boolean {
  return list.has(domain) || (registrable !== null && list.has(registrable));
}

function endsLike(patterns: readonly string[], suffix: string, domain: string): boolean {
  return patterns.some((pattern) => isLike(pattern, suffix) || domain === pattern || domain.endsWith(`.${pattern}`));
}

/** A star at the beginning or the end stands for anything. */
function isLike(pattern: string, text: string): boolean {
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return text.startsWith(pattern.slice(0, -1));
  return text === pattern;
}
