import { z } from 'zod';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { readJsonFile } from '../../platform/json-document.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { Clock } from '../../platform/clock.js';
import { AppError } from '../../domain/app-error.js';
import { isIdOf, recordIdSchema, to18 } from './record-id.js';
import { soql } from './soql.js';

/** Deployed with salesforce/: Marketo's campaign id on the Campaign. */
export const CAMPAIGN_KEY_FIELD = 'RF_Campaign_Key__c';

const KNOWN_FOR_MS = 600_000;
const UNKNOWN_FOR_MS = 60_000;
const CAPACITY = 10_000;
const ASKED_TOGETHER = 200;
const CAMPAIGN_PREFIX = '701';

export const campaignRecordSchema = z.object({ Id: recordIdSchema, [CAMPAIGN_KEY_FIELD]: z.string().nullish() });
type CampaignRecord = z.output<typeof campaignRecordSchema>;
const mapSchema = z.record(
  z.string(),
  recordIdSchema.refine((id) => isIdOf(CAMPAIGN_PREFIX, id), 'must be the id of a Campaign (701…)'),
);

/** The id of a Campaign in Salesforce, or why a lead of it gets no membership. */
export type CampaignAnswer = { id: string } | { unusable: string };

/**
 * Which Campaign a campaign id of ours is: by the map, as the id that it is, or by the external id on Campaign; and
 * that it is there.
 */
export class Campaigns {
  private readonly known: ExpiringCache<string>;
  private readonly unusable: ExpiringCache<string>;

  /** However many leads of a new campaign come at once, one call asks for it. */
  private readonly asking: Batcher<string, CampaignAnswer>;

  constructor(
    private readonly map: Record<string, string>,
    private readonly query: (queries: string[]) => Promise<CampaignRecord[][]>,
    clock: Clock,
    /** Whether the org has no field with Marketo's id, or does not show it; asked where a query failed. */
    private readonly lacksKeyField: () => Promise<boolean>,
  ) {
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.unusable = new ExpiringCache(UNKNOWN_FOR_MS, CAPACITY, clock);
    this.asking = new Batcher({ run: (ids) => this.ask(ids), maxBatch: ASKED_TOGETHER, maxWaiting: CAPACITY, parallel: 1 });
  }

  async resolve(campaignId: string): Promise<CampaignAnswer> {
    return this.answerOf(campaignId) ?? this.asking.submit(campaignId);
  }

  /** The org refused a membership of it; it is tried again in a minute. */
  markUnusable(campaignId: string, why: string): void {
    this.known.delete(campaignId);
    this.unusable.set(campaignId, why);
  }

  private answerOf(campaignId: string): CampaignAnswer | null {
    const id = this.known.get(campaignId);
    if (id !== undefined) return { id };
    const unusable = this.unusable.get(campaignId);
    return unusable === undefined ? null : { unusable };
  }

  private directIdOf(campaignId: string): string | null {
    const id = this.map[campaignId] ?? to18(campaignId);
    return isIdOf(CAMPAIGN_PREFIX, id) ? id : null;
  }

  private async ask(campaignIds: string[]): Promise<CampaignAnswer[]> {
    const asked = [...new Set(campaignIds)].filter((id) => this.answerOf(id) === null);
    const direct = new Map(asked.flatMap((id) => (this.directIdOf(id) === null ? [] : [[id, this.directIdOf(id)!] as const])));
    const keys = asked.filter((id) => !direct.has(id));
    const ids = [...new Set(direct.values())];
    const { records, noKeyField } = await this.find(keys, ids);
    const there = new Set(records.map(({ Id }) => Id));
    for (const id of asked) {
      const campaign = direct.get(id) ?? byKeyIn(records, id);
      if (campaign === 'several') this.unusable.set(id, SEVERAL_WITH_KEY);
      else if (campaign !== null && there.has(campaign)) this.known.set(id, campaign);
      else this.unusable.set(id, campaign !== null ? NOT_IN_THE_ORG : noKeyField ? NO_KEY_FIELD : NO_SUCH_KEY);
    }
    return campaignIds.map((id) => this.answerOf(id) ?? { unusable: NO_SUCH_KEY });
  }

  /** Without the field of the keys, the Campaigns that the map or an id names are found all the same. */
  private async find(keys: string[], ids: string[]): Promise<{ records: CampaignRecord[]; noKeyField: boolean }> {
    const byId = ids.length > 0 ? [soql`SELECT Id FROM Campaign WHERE Id IN ${ids}`] : [];
    const byKey = keys.length > 0 ? [soql`SELECT Id, RF_Campaign_Key__c FROM Campaign WHERE RF_Campaign_Key__c IN ${keys}`] : [];
    const queries = [...byKey, ...byId];
    try {
      return { records: queries.length > 0 ? (await this.query(queries)).flat() : [], noKeyField: false };
    } catch (cause) {
      const isSetting = cause instanceof AppError && cause.code === 'CRM_MISCONFIGURED' && byKey.length > 0;
      if (!isSetting || !(await this.lacksKeyField().catch(() => false))) throw cause;
      return { records: byId.length > 0 ? (await this.query(byId)).flat() : [], noKeyField: true };
    }
  }
}

/** The org compares keys without case where the field says so: a key in another case is the same one there. */
function byKeyIn(records: CampaignRecord[], key: string): string | 'several' | null {
  const exact = records.filter((record) => record[CAMPAIGN_KEY_FIELD] === key);
  const alike =
    exact.length > 0 ? exact : records.filter((record) => record[CAMPAIGN_KEY_FIELD]?.toLowerCase() === key.toLowerCase());
  if (alike.length > 1) return 'several';
  return alike[0]?.Id ?? null;
}

/** No Campaign has it in RF_Campaign_Key__c, and SALESFORCE_CAMPAIGN_MAP does not name it. */
export const NO_SUCH_KEY = 'no Campaign has this key';
export const NO_KEY_FIELD = `Campaign has no field ${CAMPAIGN_KEY_FIELD} that the integration user may read`;
export const SEVERAL_WITH_KEY = 'several Campaigns have this key';
export const NOT_IN_THE_ORG = 'this Campaign is deleted, of another org, or not shared with the integration user';

/** @throws AppError CONFIG_INVALID */
export async function loadCampaignMap(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {};
  const parsed = mapSchema.safeParse(await readJsonFile(path, 'SALESFORCE_CAMPAIGN_MAP'));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: place, message }) => `Configuration: SALESFORCE_CAMPAIGN_MAP: "${place.join('.')}" ${message}.`,
  );
  throw new AppError('CONFIG_INVALID', problems.join('\n'));
}
