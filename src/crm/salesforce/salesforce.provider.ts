import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { CrmExchange, CrmSynced } from '../../domain/lead.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import { contentOf } from '../audit-fields.js';
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
import { writeMembers, type Membership, type WrittenMember } from './write-members.js';
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
  /** How long the first of a batch waits for company now, in milliseconds. */
  batchWindowMs(): number;
  clock: Clock;
}

const CAPACITY = 50_000;
/** People change records by hand: what we know of them is looked up again after this. */
const KNOWN_FOR_MS = 600_000;
const MAX_WAITING = 10_000;
const SENT_BEFORE = { answer: 'sent-before' as const, fields: {} };
const NO_CAMPAIGN = { id: null, answer: 'unknown-campaign' as const, fields: {} };

/** A membership, none where the org has no such Campaign, or why there is none. */
type MemberResult = WrittenMember | typeof NO_CAMPAIGN | AppError;

/**
 * The org's Leads and Campaign Members. Concurrent syncs share calls of up to 200 records: persons first, each once, then their
 * memberships.
 */
export class SalesforceProvider implements CrmProvider {
  readonly name = 'salesforce';
  private readonly syncing: Batcher<CrmSync, CrmSynced | AppError>;
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

  async sync(sync: CrmSync): Promise<CrmSynced> {
    const synced = await this.syncing.submit(sync, sync.urgent);
    if (synced instanceof AppError) throw synced;
    return synced;
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

  flush(): void {
    this.syncing.flush();
  }

  async close(): Promise<void> {}

  /** Persons first, each once; then their memberships. */
  private async write(syncs: CrmSync[]): Promise<(CrmSynced | AppError)[]> {
    const { name: provider } = this;
    const persons = await this.writePersons(syncs);
    const members = await this.ensureMembers(syncs, persons);
    return syncs.map((sync, index) => {
      const person = persons[index]!;
      const written = members[index]!;
      if (person instanceof AppError) return person;
      if (written instanceof AppError) return written;
      const { id: memberId, ...member } = written;
      const cut = person.cut.length > 0 ? { cut: person.cut } : {};
      const exchange: CrmExchange = { provider, ...contentOf(sync), lead: person.written, member };
      return { provider, leadId: person.target.id, memberId, ...cut, exchanges: [exchange] };
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
    return known && known.version >= projection.version ? { target: known.target, written: SENT_BEFORE, cut: [] } : null;
  }

  /** No id where the org has no such Campaign: sales hears of the lead all the same. */
  private async ensureMembers(syncs: CrmSync[], persons: PersonResult[]): Promise<MemberResult[]> {
    const results: MemberResult[] = syncs.map(() => NO_CAMPAIGN);
    const due: (Membership & { index: number; key: string })[] = [];
    for (const [index, sync] of syncs.entries()) {
      const person = persons[index]!;
      const campaign = person instanceof AppError ? null : await this.campaigns.resolve(sync.campaignId);
      if (person instanceof AppError || campaign === null) continue;
      const key = `${person.target.id} ${campaign}`;
      const id = this.knownMembers.get(key);
      if (id !== undefined) results[index] = { id, ...SENT_BEFORE };
      else due.push({ index, key, target: person.target, campaign, fields: memberFieldsOf(this.options.map, sync) });
    }
    const written = due.length > 0 ? await this.inTurn(() => this.writeMembers(due)) : [];
    written.forEach((member, place) => {
      const { index, key } = due[place]!;
      const sync = syncs[index]!;
      results[index] = member;
      if (!(member instanceof AppError)) return this.knownMembers.set(key, member.id);
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
  private async writeMembers(members: Membership[]): Promise<(WrittenMember | AppError)[]> {
    try {
      return await writeMembers(this.options.client, this.options.apiVersion, members);
    } catch (cause) {
      const error = AppError.from(cause);
      return members.map(() => error);
    }
  }
}
