import { Inject, Injectable } from '@nestjs/common';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import { contentOf, CONTENT_COLUMNS, type ContentRow } from './lead-content-sql.js';

/** A lead that reached the CRM, with the score that it has there. */
export interface ScoredLead {
  lead: LeadContent;
  enrichment: Enrichment;
  /** Its content is still that with which it first reached the CRM. */
  firstContent: boolean;
  /** The score is a judgement of this content: not a fallback, and no newer content waits. */
  judged: boolean;
}

/** A place in the order of first syncs, or of receipt; `at` is exact to the microsecond. */
export interface Place {
  at: string;
  id: string;
}

/** What a sample is drawn from. */
export interface Candidate {
  id: string;
  personKey: string;
  campaignId: string;
  fitScore: number;
}

/** A sync commits after the time that it carries; a statement of the ledger is cancelled after 5 seconds. */
const SETTLED = "interval '10 seconds'";
const EXACT = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`;

/** A fallback score is no judgement, so there is nothing to compare with. */
const JUDGED = `l.state = 'synced' AND l.enrichment->>'scoreSource' <> 'fallback'`;

/** The newest first; $1 since, $2 and $3 the place before, $4 limit. The rows read are bounded, not the rows found. */
export const CANDIDATES = `
SELECT l.id, encode(l.person_key, 'hex') AS "personKey", l.campaign_id AS "campaignId",
  (l.enrichment->>'fitScore')::int AS "fitScore", ${JUDGED} AS judged,
  ${EXACT('l.received_at')}
FROM ledger.leads l
WHERE l.received_at >= $1 AND (l.received_at, l.id) < ($2, $3)
ORDER BY l.received_at DESC, l.id DESC LIMIT $4`;

/** In the order of the first syncs; $1 and $2 the place before, $3 limit. */
export const FIRST_SYNCED = `
SELECT ${CONTENT_COLUMNS('l')}, l.enrichment, l.content_at <= l.first_synced_at AS first_content, ${JUDGED} AS judged,
  ${EXACT('l.first_synced_at')}
FROM ledger.leads l
WHERE l.first_synced_at >= $1 AND (l.first_synced_at, l.id) > ($1, $2) AND l.first_synced_at < now() - ${SETTLED}
ORDER BY l.first_synced_at, l.id LIMIT $3`;

const CONTENTS = `
SELECT ${CONTENT_COLUMNS('l')}, l.enrichment, l.content_at <= l.first_synced_at AS first_content, true AS judged
FROM ledger.leads l WHERE l.id = ANY($1) AND ${JUDGED}`;

type Row = ContentRow & { enrichment: Enrichment; first_content: boolean | null; judged: boolean | null };

/** Leads as the scorers saw them, for trials of other scorers. On the connections of reports, so stages never wait. */
@Injectable()
export class ScoredLeadsRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  /** @returns the candidates of one page and the place of its end; null where there are no more. */
  async candidates(since: string, before: Place | null, limit: number): Promise<{ items: Candidate[]; next: Place | null }> {
    const { rows } = await this.database.query<Candidate & { judged: boolean; at: string }>(CANDIDATES, [
      since,
      before?.at ?? 'infinity',
      before?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      limit,
    ]);
    const last = rows.length === limit ? rows.at(-1)! : null;
    const items = rows.flatMap(({ id, personKey, campaignId, fitScore, judged }) =>
      judged ? [{ id, personKey, campaignId, fitScore }] : [],
    );
    return { items, next: last && { at: last.at, id: last.id } };
  }

  /** Leads that first reached the CRM after the place. */
  async firstSynced(after: Place, limit: number): Promise<{ items: ScoredLead[]; place: Place }> {
    const { rows } = await this.database.query<Row & { at: string }>(FIRST_SYNCED, [after.at, after.id, limit]);
    const last = rows.at(-1);
    return { items: rows.map(scoredLeadOf), place: last ? { at: last.at, id: last.id } : after };
  }

  /** Those of the leads that are still synced with a judgement. */
  async ofIds(ids: readonly string[]): Promise<Map<string, ScoredLead>> {
    const { rows } = await this.database.query<Row>(CONTENTS, [ids]);
    return new Map(rows.map((row) => [row.id, scoredLeadOf(row)]));
  }
}

function scoredLeadOf(row: Row): ScoredLead {
  return {
    lead: contentOf(row),
    enrichment: row.enrichment,
    firstContent: row.first_content === true,
    judged: row.judged === true,
  };
}
