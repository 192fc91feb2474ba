import { z } from 'zod';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { Clock } from '../../platform/clock.js';
import { readJson } from './field-map.js';
import { AppError } from '../../domain/app-error.js';
import { soql } from './soql.js';

/** Deployed with salesforce/: Marketo's campaign id on the Campaign. */
export const CAMPAIGN_KEY_FIELD = 'RF_Campaign_Key__c';

const KNOWN_FOR_MS = 600_000;
const UNKNOWN_FOR_MS = 60_000;
const CAPACITY = 10_000;
const SALESFORCE_ID = /^701[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$/;

export const campaignRecordSchema = z.object({ Id: z.string(), [CAMPAIGN_KEY_FIELD]: z.string() });
type CampaignRecord = z.output<typeof campaignRecordSchema>;
const mapSchema = z.record(z.string(), z.string().regex(SALESFORCE_ID, 'must be the id of a Campaign (701…)'));

/** Which Campaign a campaign id of ours is: by the map, as the id that it is, or by the external id on Campaign. */
export class Campaigns {
  private readonly known: ExpiringCache<string>;
  private readonly unknown: ExpiringCache<true>;

  /** However many leads of a new campaign come at once, one call asks for it. */
  private readonly asking: Batcher<string, string | null>;

  constructor(
    private readonly map: Record<string, string>,
    private readonly query: (text: string) => Promise<CampaignRecord[]>,
    clock: Clock,
  ) {
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.unknown = new ExpiringCache(UNKNOWN_FOR_MS, CAPACITY, clock);
    this.asking = new Batcher({ run: (ids) => this.ask(ids), maxBatch: 1000, maxWaiting: CAPACITY, parallel: 1 });
  }

  /** @returns its id in Salesforce; null where the org has no such Campaign. */
  async resolve(campaignId: string): Promise<string | null> {
    return this.knownId(campaignId) ?? (this.unknown.get(campaignId) ? null : this.asking.submit(campaignId));
  }

  forget(campaignId: string): void {
    this.known.delete(campaignId);
  }

  private knownId(campaignId: string): string | null {
    return this.map[campaignId] ?? (SALESFORCE_ID.test(campaignId) ? campaignId : (this.known.get(campaignId) ?? null));
  }

  private async ask(campaignIds: string[]): Promise<(string | null)[]> {
    const asked = [...new Set(campaignIds)].filter((id) => this.knownId(id) === null);
    if (asked.length > 0) {
      const records = await this.query(soql`SELECT Id, RF_Campaign_Key__c FROM Campaign WHERE RF_Campaign_Key__c IN ${asked}`);
      for (const record of records) this.known.set(record[CAMPAIGN_KEY_FIELD], record.Id);
      for (const id of asked) if (this.knownId(id) === null) this.unknown.set(id, true);
    }
    return campaignIds.map((id) => this.knownId(id));
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
