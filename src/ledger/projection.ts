import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { Pool } from '../platform/database/pool.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-row.js';

/** What the CRM's Lead shall show of a person: the newest scored content, and the version that orders two writes of it. */
export interface Projection {
  lead: LeadContent;
  enrichment: Enrichment;
  version: number;
}

export interface ProjectionRow extends ContentRow {
  enrichment: Enrichment;
  /** Text where the driver reads a bigint. */
  version: number | string;
}

/** For a person key that the SQL expression `person` names. */
export const PROJECTION = (person: string) => `
  SELECT ${CONTENT_COLUMNS('n')}, n.enrichment, (extract(epoch FROM n.content_at) * 1000000)::bigint + n.scorings AS version
  FROM ledger.leads n
  WHERE n.person_key = ${person} AND n.state IN ('enriched', 'synced') AND n.enrichment IS NOT NULL
  ORDER BY n.content_at DESC, n.id DESC
  LIMIT 1`;

export function projectionOf(row: ProjectionRow): Projection {
  return { lead: contentOf(row), enrichment: row.enrichment, version: Number(row.version) };
}

/** Null where the person has been erased. */
export async function findProjection(pool: Pool, personKey: string): Promise<Projection | null> {
  const text = PROJECTION("decode($1, 'hex')");
  const { rows } = await pool.query<ProjectionRow>({ name: 'find-projection', text, values: [personKey] });
  return rows[0] ? projectionOf(rows[0]) : null;
}
