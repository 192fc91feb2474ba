import { z } from 'zod';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';

export const memberStatusSchema = z.object({
  CampaignId: recordIdSchema,
  Label: z.string(),
  HasResponded: z.boolean(),
  IsDefault: z.boolean().catch(false),
});
export type MemberStatus = z.output<typeof memberStatusSchema>;

const KNOWN_FOR_MS = 600_000;
const CAMPAIGNS = 2000;
/** A campaign has a handful; a bound keeps a broken org from filling the memory. */
const STATUSES_KEPT = 100;

/** The member statuses that each Campaign has, and which of them count as a response. */
export class MemberStatuses {
  private readonly known: ExpiringCache<MemberStatus[]>;

  constructor(
    private readonly query: (text: string) => Promise<MemberStatus[]>,
    clock: Clock,
  ) {
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAMPAIGNS, clock);
  }

  async of(campaigns: string[]): Promise<Map<string, MemberStatus[]>> {
    const unknown = [...new Set(campaigns)].filter((id) => this.known.get(id) === undefined);
    const found = new Map<string, MemberStatus[]>(unknown.map((id) => [id, []]));
    if (unknown.length > 0) {
      for (const status of await this.query(
        soql`SELECT CampaignId, Label, HasResponded, IsDefault FROM CampaignMemberStatus WHERE CampaignId IN ${unknown}`,
      ))
        found.get(status.CampaignId)?.push(status);
    }
    for (const [id, statuses] of found) this.known.set(id, statuses.slice(0, STATUSES_KEPT));
    return new Map(campaigns.map((id) => [id, this.known.get(id) ?? found.get(id) ?? []]));
  }
}

/** Whether this status is one of the campaign's that count as a response. */
export function isResponse(statuses: MemberStatus[] | undefined, label: unknown): boolean {
  return statuses?.some((status) => status.HasResponded && sameLabel(status.Label, label)) ?? false;
}

export function sameLabel(one: unknown, other: unknown): boolean {
  return String(one).trim().toLowerCase() === String(other).trim().toLowerCase();
}
