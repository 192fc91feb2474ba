import { isDisposableEmailDomain } from 'disposable-email-domains-js';
import freeDomains from 'email-providers/all.json' with { type: 'json' };
import { getDomain } from 'tldts';

export type DomainClass = 'corporate' | 'free' | 'disposable' | 'education';

// The list counts these among the providers; one is nobody's, the other one company's.
const NOT_FREE = new Set(['example.com', 'facebook.com']);
const FREE = new Set(freeDomains.filter((domain) => !NOT_FREE.has(domain)));
const EDUCATION = /(?:^|\.)(?:edu|edu\.[a-z]{2}|ac\.[a-z]{2})$/;

/** What kind of domain an address is at. Throw-away domains first: many of them are on the lists of free providers too. */
export function domainClassOf(domain: string): DomainClass {
  const registered = getDomain(domain) ?? domain;
  if (isDisposableEmailDomain(domain) || isDisposableEmailDomain(registered)) return 'disposable';
  if (FREE.has(domain) || FREE.has(registered)) return 'free';
  if (EDUCATION.test(domain)) return 'education';
  return 'corporate';
}

/** The name of the company as a domain shows it: `sales.acme.co.uk` is `acme`. */
export function domainName(domain: string): string {
  return (getDomain(domain) ?? domain).split('.')[0]!;
}
