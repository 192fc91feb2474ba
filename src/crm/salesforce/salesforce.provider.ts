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
 * memberships.
 */
export class SalesforceProvider implements CrmProvider {
  readonly name = 'salesforce';
  private readonly syncing: Batcher<CrmSync, CrmReference | AppError>;
  /** The members' call under way. */
  private memberTurn: Promise<unknown> = Promise.resolve();
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
    this.syncing = new Batcher({
      run: (syncs) => this.write(syncs),
      maxBatch: batchSize,
      maxWaiting: MAX_WAITING,
      windowMs: batchWindowMs,
      parallel: 2,
      keyOf: (sync) => sync.personKey,
    });
  }

  async sync(sync: CrmSync): Promise<CrmReference> {
    const reference = await this.syncing.submit(sync);
    if (reference instanceof AppError) throw reference;
    return reference;
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

  /** Persons first, each once; then their memberships. */
  private async write(syncs: CrmSync[]): Promise<(CrmReference | AppError)[]> {
    const persons = await this.writePersons(syncs);
    const members = await this.ensureMembers(syncs, persons);
    return syncs.map((_, index) => {
      const person = persons[index]!;
      const memberId = members[index]!;
      if (person instanceof AppError) return person;
      if (memberId instanceof AppError) return memberId;
      const cut = person.cut.length > 0 ? { cut: person.cut } : {};
      return { provider: this.name, leadId: person.target.id, memberId, ...cut };
    });
  }

  private async writePersons(syncs: CrmSync[]): Promise<PersonResult[]> {
    const { map } = this.options;
    const results = syncs.map((sync) => this.writtenAlready(sync));
    const due = syncs.filter((_, index) => results[index] === null);
    if (due.length === 0) return results as PersonResult[];
    await this.schema.require([...map.lead.map(({ to }) => to), PERSON_KEY_FIELD, VERSION_FIELD]);
    const known = due.map(({ personKey }) => this.known.get(personKey)?.target);
    const written = await writePersons({ ...this.options, schema: this.schema }, due, known);
    written.forEach((result, index) => {
      const { personKey, projection } = due[index]!;
      if (result instanceof AppError) this.known.delete(personKey);
      else this.known.set(personKey, { target: result.target, version: projection.version });
    });
    return results.map((result) => result ?? written.shift()!);
  }

  /** What this process has written needs no call. */
  private writtenAlready({ personKey, projection }: CrmSync): PersonResult | null {
    const known = this.known.get(personKey);
    return known && known.version >= projection.version ? { target: known.target, cut: [] } : null;
  }

  /** Null where the org has no such Campaign: sales hears of the lead all the same. */
  private async ensureMembers(syncs: CrmSync[], persons: PersonResult[]): Promise<(string | null | AppError)[]> {
    const results: (string | null | AppError)[] = syncs.map(() => null);
    const due: (Membership & { index: number; key: string })[] = [];
    for (const [index, sync] of syncs.entries()) {
      const person = persons[index]!;
      const campaign = person instanceof AppError ? null : await this.campaigns.resolve(sync.campaignId);
      if (person instanceof AppError || campaign === null) continue;
      const key = `${person.target.id} ${campaign}`;
      results[index] = this.knownMembers.get(key) ?? null;
      const fields = memberFieldsOf(this.options.map, sync);
      if (results[index] === null) due.push({ index, key, target: person.target, campaign, fields });
    }
    const written = due.length > 0 ? await this.inTurn(() => this.writeMembers(due)) : [];
    written.forEach((memberId, place) => {
      const { index, key } = due[place]!;
      const sync = syncs[index]!;
      results[index] = memberId;
      if (typeof memberId === 'string') return this.knownMembers.set(key, memberId);
      this.known.delete(sync.personKey);
      this.campaigns.forget(sync.campaignId);
    });
    return results;
  }

  /** Inserting members locks their Campaign, so one call at a time does it. */
  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.memberTurn.then(act);
    this.memberTurn = turn.catch(() => {});
    return turn;
  }

  /** A person whom the org could not make a member is written by now: that is not tried again with it. */
  private async writeMembers(members: Membership[]): Promise<(string | AppError)[]> {
    try {
      return await writeMembers(this.options.client, this.options.apiVersion, members);
    } catch (cause) {
      const error = AppError.from(cause);
      return members.map(() => error);
    }
  }
}
