import { z } from 'zod';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { Clock } from '../../platform/clock.js';
import { readJson } from './field-map.js';
import { AppError } from '../../errors/app-error.js';
import { soql } from './soql.js';

/** Deployed with salesforce/: Marketo's campaign id on the Campaign. */
export const CAMPAIGN_KEY_FIELD = 'RF_Campaign_Key__c';

const KNOWN_FOR_MS = 600_000;
const UNKNOWN_FOR_MS = 60_000;
const CAPACITY = 10_000;
const SALESFORCE_ID = /^701[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$/;

export const campaignRecordSchema = z.object({ Id: z.string(), [CAMPAIGN_KEY_FIELD]: z.string() });
const mapSchema = z.record(z.string(), z.string().regex(SALESFORCE_ID, 'must be the id of a Campaign (701…)'));

/** Which Campaign a campaign id of ours is: by the map, as the id that it is, or by the external id on Campaign. */
export class Campaigns {
  private readonly known: ExpiringCache<string>;
  private readonly unknown: ExpiringCache<true>;

  constructor(
    private readonly map: Record<string, string>,
    private readonly query: (text: string) => Promise<{ Id: string; [CAMPAIGN_KEY_FIELD]: string }[]>,
    clock: Clock,
  ) {
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.unknown = new ExpiringCache(UNKNOWN_FOR_MS, CAPACITY, clock);
  }

  /** @returns the Salesforce ids of those that have one. */
  async resolve(campaignIds: string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const asked: string[] = [];
    for (const id of new Set(campaignIds)) {
      const direct = this.map[id] ?? (SALESFORCE_ID.test(id) ? id : this.known.get(id));
      if (direct) found.set(id, direct);
      else if (!this.unknown.get(id)) asked.push(id);
    }
    for (let from = 0; from < asked.length; from += 100) await this.ask(asked.slice(from, from + 100), found);
    return found;
  }

  forget(campaignId: string): void {
    this.known.delete(campaignId);
  }

  private async ask(campaignIds: string[], found: Map<string, string>): Promise<void> {
    const records = await this.query(
      soql`SELECT Id, RF_Campaign_Key__c FROM Campaign WHERE RF_Campaign_Key__c IN ${campaignIds}`,
    );
    for (const record of records) {
      found.set(record[CAMPAIGN_KEY_FIELD], record.Id);
      this.known.set(record[CAMPAIGN_KEY_FIELD], record.Id);
    }
    for (const id of campaignIds) if (!found.has(id)) this.unknown.set(id, true);
  }
}

/** @throws AppError CONFIG_INVALID */
export async function loadCampaignMap(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {};
  const parsed = mapSchema.safeParse(await readJson(path, 'SALESFORCE_CAMPAIGN_MAP'));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: place, message }) => `Configuration: SALESFORCE_CAMPAIGN_MAP: "${place.join('.')}" ${message}.`,
  );
  throw new AppError('CONFIG_INVALID', problems.join('\n'));
}
