import type { Config } from './config.js';

/** The page of a record in the CRM; null where its address is not known: the general login hosts lead to no org. */
export function crmLink(
  id: string,
  { CRM_PROVIDER, SALESFORCE_LOGIN_URL }: Pick<Config, 'CRM_PROVIDER' | 'SALESFORCE_LOGIN_URL'>,
): string | null {
  if (CRM_PROVIDER !== 'salesforce' || !SALESFORCE_LOGIN_URL || !/^[A-Za-z0-9]{15,18}$/.test(id)) return null;
  const { origin, hostname } = new URL(SALESFORCE_LOGIN_URL);
  if (hostname === 'login.salesforce.com' || hostname === 'test.salesforce.com') return null;
  return `${origin}/lightning/r/${id.startsWith('003') ? 'Contact' : 'Lead'}/${id}/view`;
}
