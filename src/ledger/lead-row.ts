import type { LeadContent } from '../domain/lead.js';

/** The columns that make a LeadContent, for a table alias. */
export const CONTENT_COLUMNS = (alias: string) =>
  `${alias}.id, encode(${alias}.person_key, 'hex') AS person_key, ${alias}.email, ${alias}.email_raw, ${alias}.campaign_id, ` +
  `${alias}.name, ${alias}.attributes, ${alias}.revision`;

export interface ContentRow {
  id: string;
  person_key: string;
  email: string;
  email_raw: string;
  campaign_id: string;
  name: string | null;
  attributes: Record<string, string>;
  revision: number;
}

export function contentOf(row: ContentRow): LeadContent {
  return {
    id: row.id,
    personKey: row.person_key,
    email: row.email,
    emailRaw: row.email_raw,
    campaignId: row.campaign_id,
    name: row.name,
    attributes: row.attributes,
    revision: row.revision,
  };
}
