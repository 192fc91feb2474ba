import { createHash } from 'node:crypto';
import type { LeadContent } from '../../domain/lead.js';
import { countryOf } from '../heuristic/countries.js';
import { classifyDomain, type DomainClass } from '../heuristic/domain-class.js';
import { readFields } from '../heuristic/fields.js';
import { personalWordsOf, redact, type PersonalWords } from './redact.js';

/** All that leaves the company about a lead. Empty fields are left out. */
export interface MinimisedLead {
  emailDomain: string;
  emailDomainClass: DomainClass;
  title?: string;
  company?: string;
  country?: string;
  message?: string;
}

/** Characters per field: enough for what a person types, too few for an essay that steers the model or costs much. */
const CAPS = { emailDomain: 100, title: 120, company: 120, country: 60, message: 1500 } as const;

/** What the score needs and no more: never the local part of the e-mail, the phone or the name. */
export function minimise(lead: LeadContent): MinimisedLead {
  const person = personalWordsOf(lead);
  const fields = readFields(lead.attributes);
  const domain = lead.email.slice(lead.email.lastIndexOf('@') + 1);
  const capped: Record<string, string> = {};
  const texts = { title: fields.title, company: fields.company, country: countryOf(lead.attributes), message: fields.message };
  for (const [name, value] of Object.entries(texts) as [keyof typeof texts, string][]) {
    // The cut comes last: a cut through the middle of an address would hide it from the search for addresses.
    const text = redact(value.slice(0, 6000), person).replaceAll(CONTROL, ' ').trim().slice(0, CAPS[name]).toWellFormed();
    if (text !== '') capped[name] = text;
  }
  return { emailDomain: domainWithoutPerson(domain, person), emailDomainClass: classifyDomain(domain).class, ...capped };
}

/** Every control character and line separator but the line feed. */
const CONTROL = /(?!\n)[\p{Cc}\u2028\u2029]/gu;

/** A domain may be the person's own: ann@annlee.com. */
function domainWithoutPerson(domain: string, { names, locals }: PersonalWords): string {
  let text = domain.slice(0, CAPS.emailDomain).toLowerCase();
  for (const word of [...names, ...locals].sort((a, b) => b.length - a.length)) {
    const plain = word.toLowerCase();
    if (plain.length >= 3)
      text = text
        .split('.')
        .map((label, index, all) => (index < all.length - 1 ? label.replaceAll(plain, '_') : label))
        .join('.');
  }
  return text;
}

/** One key for texts that differ in case and white space only. */
export function fingerprint(parts: readonly string[], lead: MinimisedLead): string {
  const plain = Object.entries(lead).map(([key, value]) => [key, String(value).toLowerCase().replaceAll(/\s+/g, ' ').trim()]);
  return createHash('sha256')
    .update(JSON.stringify([parts, plain]))
    .digest('base64url');
}
