import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';
import { TARGET_KINDS, type Target } from './outcome.js';

/**
 * What became of the leads with which these persons first reached the CRM; $1 person keys, $2 kinds, $3 horizon in
 * days. As in the report: only mature leads, the person's first outcome decides, and of persons whose leads the CRM
 * merged the one scored first counts, with the outcomes of all.
 */
export const JUDGED_LEADS = `
SELECT s.lead_id AS "leadId", coalesce(h.at <= s.synced_at + make_interval(days => $3), false) AS converted
FROM feedback.first_scores s
LEFT JOIN feedback.merged_persons m ON m.person_key = s.person_key
LEFT JOIN LATERAL (
  SELECT min(o.at) AS at FROM feedback.outcomes o
  WHERE o.kind = ANY($2) AND o.person_key = ANY(ARRAY(
    SELECT s.person_key UNION ALL SELECT u.person_key FROM feedback.merged_persons u WHERE u.unit = m.unit))
) h ON true
WHERE s.person_key = ANY(SELECT decode(k, 'hex') FROM unnest($1::text[]) k)
  AND s.synced_at <= now() - make_interval(days => $3)
  AND (h.at IS NULL OR h.at >= s.synced_at)
  AND NOT EXISTS (
    SELECT FROM feedback.merged_persons u JOIN feedback.first_scores f ON f.person_key = u.person_key
    WHERE u.unit = m.unit AND (f.synced_at, f.person_key) < (s.synced_at, s.person_key))`;

/** Outcomes of some leads, for a comparison of scorers. */
@Injectable()
export class JudgedLeadsRepository {
  constructor(@Inject(REPORT_DATABASE) private readonly database: Database) {}

  /** By the lead's id, whether it converted in time. A lead that is too young, or has no first score, is missing. */
  async ofPersons(
    personKeys: readonly string[],
    { target, horizonDays }: { target: Target; horizonDays: number },
  ): Promise<Map<string, boolean>> {
    const { rows } = await this.database.query<{ leadId: string; converted: boolean }>(JUDGED_LEADS, [
      personKeys,
      TARGET_KINDS[target],
      horizonDays,
    ]);
    return new Map(rows.map(({ leadId, converted }) => [leadId, converted]));
  }
}
