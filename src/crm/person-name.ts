import type { LeadContent } from '../domain/lead.js';

export const NOT_PROVIDED = '[not provided]';

/** A CRM Lead needs a last name: the last word of the name is it, the rest the first name. */
export function splitName(name: string | null): { firstName: string | null; lastName: string } {
  const words = (name ?? '')
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== '');
  const lastName = words.pop();
  if (lastName === undefined) return { firstName: null, lastName: NOT_PROVIDED };
  return { firstName: words.length === 0 ? null : words.join(' '), lastName };
}

const COMPANY_KEYS = new Set(['company', 'company_name', 'company name', 'account', 'organization', 'organisation']);

/** A CRM Lead needs a company too: what was sent, else the domain of the address, which at least says where to look. */
export function companyOf(lead: LeadContent): string {
  for (const [key, value] of Object.entries(lead.attributes)) {
    const last = key.toLowerCase().split('.').at(-1)!;
    if (COMPANY_KEYS.has(last)) return value;
  }
  return lead.email.slice(lead.email.lastIndexOf('@') + 1) || NOT_PROVIDED;
}
