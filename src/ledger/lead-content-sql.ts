import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';

/** The columns of a LeadContent, for a table alias. */
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

/** The content of a person's Lead in the CRM: the newest scored content, and a version that orders its writes. */
export interface Projection {
  lead: LeadContent;
  enrichment: Enrichment;
  version: number;
}

export interface ProjectionRow extends ContentRow {
  enrichment: Enrichment;
  /** A string where the driver reads a bigint. */
  version: number | string;
}

/**
 * Selects the projection of the person whose key the SQL expression `person` gives; no row where the person has no
 * scored lead.
 */
export const PROJECTION = (person: string) => `
  SELECT ${CONTENT_COLUMNS('n')}, n.enrichment, (extract(epoch FROM n.content_at) * 1000000)::bigint + n.scorings AS version
  FROM ledger.leads n
  WHERE n.person_key = ${person} AND n.state IN ('enriched', 'synced') AND n.enrichment IS NOT NULL
  ORDER BY n.content_at DESC, n.id DESC
  LIMIT 1`;

export function projectionOf(row: ProjectionRow): Projection {
  return { lead: contentOf(row), enrichment: row.enrichment, version: Number(row.version) };
}
