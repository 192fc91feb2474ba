import { z } from 'zod';
import { AppError } from '../../errors/app-error.js';
import type { CrmReference } from '../../lead/lead.js';
import { Batcher } from '../../platform/batcher.js';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { CrmCheck, CrmDifference, CrmFinding, CrmProvider, CrmSync, PersonProjection } from '../port.js';
import { campaignRecordSchema, Campaigns } from './campaigns.js';
import { checkOrg, problemsOf } from './check-org.js';
import type { SalesforceClient } from './client.js';
import { comparePersons } from './compare-persons.js';
import { erasePerson } from './erase-person.js';
import { leadFieldsOf, memberFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap } from './field-map.js';
import { matchPersons, type MatchScope, type Target } from './match.js';
import { OrgSchema } from './org-schema.js';
import { queryTogether } from './queries.js';
import { writeMembers, type Membership } from './write-members.js';
import { writePersons, type PersonResult } from './write-persons.js';

export interface SalesforceOptions {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  campaignMap: Record<string, string>;
  match: MatchScope;
  assign: boolean;
  erase: 'delete' | 'anonymise';
  /** Records a call, at most 200. */
  batchSize: number;
  /** How long the first of a batch waits for company, in milliseconds. */
  batchWindowMs: number;
  clock: Clock;
}

const CAPACITY = 50_000;
/** People change records by hand: what we know of them is looked up again after this. */
const KNOWN_FOR_MS = 600_000;
const MAX_WAITING = 10_000;

/**
 * The org's Leads and Campaign Members. Concurrent syncs share calls of up to 200 records: persons first, each once, then their
 * memberships, one call at a time, since inserting members locks their Campaign.
 */
export class SalesforceProvider implements CrmProvider {
  readonly name = 'salesforce';
  private readonly persons: Batcher<CrmSync, PersonResult>;
  private readonly members: Batcher<Membership, string | AppError>;
  private readonly known: ExpiringCache<{ target: Target; version: number }>;
  private readonly knownMembers: ExpiringCache<string>;
  private readonly campaigns: Campaigns;
  private readonly schema: OrgSchema;

  constructor(private readonly options: SalesforceOptions) {
    const { client, apiVersion, batchSize, batchWindowMs, campaignMap, clock } = options;
    this.schema = new OrgSchema(client, 'Lead', clock);
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.knownMembers = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.campaigns = new Campaigns(
      campaignMap,
      async (query) => (await queryTogether(client, apiVersion, campaignRecordSchema, [query]))[0]!,
      clock,
    );
    const shared = { maxBatch: batchSize, maxWaiting: MAX_WAITING, windowMs: batchWindowMs };
    this.persons = new Batcher({ ...shared, run: (syncs) => this.write(syncs), parallel: 2, keyOf: (sync) => sync.personKey });
    this.members = new Batcher({
      ...shared,
      run: (members) => writeMembers(client, apiVersion, members),
      parallel: 1,
      keyOf: (member) => `${member.target.id} ${member.campaign}`,
    });
  }

  async sync(sync: CrmSync): Promise<CrmReference> {
    const person = this.personOf(sync) ?? (await this.persons.submit(sync));
    if (person instanceof AppError) throw person;
    const memberId = await this.ensureMember(sync, person.target);
    return {
      provider: this.name,
      leadId: person.target.id,
      memberId,
      ...(person.cut.length > 0 ? { cut: person.cut } : {}),
    };
  }

  async validate(sync: CrmSync): Promise<CrmFinding> {
    const { client, apiVersion, match, map } = this.options;
    const [target] = await matchPersons(client, apiVersion, match, [sync]);
    const campaignKnown = (await this.campaigns.resolve(sync.campaignId)) !== null;
    if (target?.object === 'Contact') return { act: 'membership only', campaignKnown, problems: [] };
    const act = target ? 'update' : 'create';
    const problems = problemsOf(leadFieldsOf(map, sync.projection, act), await this.schema.describe(), act);
    return { act, campaignKnown, problems };
  }

  check(): Promise<CrmCheck> {
    const { client, map, clock } = this.options;
    return checkOrg(map, (object) => new OrgSchema(client, object, clock).describe());
  }

  compare(persons: PersonProjection[]): Promise<CrmDifference[]> {
    return comparePersons(this.options, persons);
  }

  async erasePerson(personKey: string): Promise<number> {
    const { client, apiVersion, map, erase } = this.options;
    this.known.delete(personKey);
    return erasePerson(client, apiVersion, map, erase, personKey);
  }

  async ping(): Promise<void> {
    await this.options.client.call({ method: 'GET', path: 'limits' }, z.unknown());
  }

  async close(): Promise<void> {}

  /** What this process has written already needs no call. */
  private personOf({ personKey, projection }: CrmSync): PersonResult | null {
    const known = this.known.get(personKey);
    return known && known.version >= projection.version ? { target: known.target, cut: [] } : null;
  }

  private async write(syncs: CrmSync[]): Promise<PersonResult[]> {
    const { map } = this.options;
    await this.schema.require([...map.lead.map(({ to }) => to), PERSON_KEY_FIELD, VERSION_FIELD]);
    const known = syncs.map(({ personKey }) => this.known.get(personKey)?.target);
    const results = await writePersons({ ...this.options, schema: this.schema }, syncs, known);
    results.forEach((result, index) => {
      const { personKey, projection } = syncs[index]!;
      if (result instanceof AppError) this.known.delete(personKey);
      else this.known.set(personKey, { target: result.target, version: projection.version });
    });
    return results;
  }

  /** Null where the org has no such Campaign: sales hears of the lead all the same. */
  private async ensureMember(sync: CrmSync, target: Target): Promise<string | null> {
    const campaign = await this.campaigns.resolve(sync.campaignId);
    if (!campaign) return null;
    const key = `${target.id} ${campaign}`;
    const known = this.knownMembers.get(key);
    if (known) return known;
    const memberId = await this.members.submit({ target, campaign, fields: memberFieldsOf(this.options.map, sync) });
    if (memberId instanceof AppError) {
      this.known.delete(sync.personKey);
      this.campaigns.forget(sync.campaignId);
      throw memberId;
    }
    this.knownMembers.set(key, memberId);
    return memberId;
  }
}
