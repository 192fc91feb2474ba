import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { CrmExchange, CrmSynced } from '../../domain/lead.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import { contentOf } from '../audit-fields.js';
import type { CrmCheck, CrmDifference, CrmFinding, CrmProvider, CrmSync, OwnerChange, PersonProjection } from '../port.js';
import { BatchSizes } from './batch-sizes.js';
import { CAMPAIGN_KEY_FIELD, campaignRecordSchema, Campaigns } from './campaigns.js';
import { problemsOf } from './check-fields.js';
import { changeOwner } from './change-owner.js';
import { checkOrg } from './check-org.js';
import type { SalesforceClient } from './client.js';
import { comparePersons } from './compare-persons.js';
import type { OnDuplicate } from './duplicates.js';
import { erasePerson } from './erase-person.js';
import { memberFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap } from './field-map.js';
import { matchPersons, type MatchScope } from './match.js';
import { MemberStatuses, memberStatusSchema } from './member-statuses.js';
import { Memberships, type MemberResult } from './memberships.js';
import type { Notices } from './notices.js';
import { OrgSchema } from './org-schema.js';
import { personRecord } from './person-record.js';
import { queryTogether } from './queries.js';
import { SalesforceDirectory } from './read-directory.js';
import { SalesforceOutcomes } from './read-outcomes.js';
import { SharedCauses } from './shared-causes.js';
import { stopped, unlessStopped } from './unless-stopped.js';
import { writePersons, type KnownPerson, type PersonResult } from './write-persons.js';

export interface SalesforceOptions {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  campaignMap: Record<string, string>;
  match: MatchScope;
  assign: boolean;
  onDuplicate: OnDuplicate;
  /** Whether a Lead is written without an optional field that the org refuses. */
  leaveOut: boolean;
  erase: 'delete' | 'anonymise';
  /** Records a call, at most 200. */
  batchSize: number;
  /** How long the first record of a batch waits for more of them now, in milliseconds. */
  batchWindowMs(): number;
  notices: Notices;
  clock: Clock;
  /** Whether the org's API calls of the day run low, so that only leads may use them. */
  callsAreLow?(): boolean;
}

const CAPACITY = 50_000;
/** People change records by hand: what we know of them is looked up again after this. */
const KNOWN_FOR_MS = 600_000;
const MAX_WAITING = 10_000;

interface Request {
  sync: CrmSync;
  signal: AbortSignal;
}

/**
 * The org's Leads and Campaign Members. Concurrent syncs share calls of up to 200 records: persons first, each once,
 * then their memberships.
 */
export class SalesforceProvider implements CrmProvider {
  readonly name = 'salesforce';
  readonly outcomes: SalesforceOutcomes;
  readonly directory: SalesforceDirectory;
  private readonly syncing: Batcher<Request, CrmSynced | AppError>;
  private readonly known: ExpiringCache<KnownPerson>;
  private readonly memberships: Memberships;
  private readonly campaigns: Campaigns;
  private readonly statuses: MemberStatuses;
  private readonly schema: OrgSchema;
  private readonly sizes: BatchSizes;
  private readonly causes: SharedCauses;
  private moreFollow: (waiting: number) => boolean = () => false;

  constructor(private readonly options: SalesforceOptions) {
    const { client, apiVersion, batchSize, batchWindowMs, campaignMap, clock } = options;
    this.schema = new OrgSchema(client, 'Lead', clock);
    this.outcomes = new SalesforceOutcomes(options);
    this.directory = new SalesforceDirectory(options);
    this.sizes = new BatchSizes(batchSize, clock);
    this.causes = new SharedCauses(clock);
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, clock);
    this.campaigns = new Campaigns(
      campaignMap,
      (queries) => queryTogether(client, apiVersion, campaignRecordSchema, queries),
      clock,
      async () => !(await new OrgSchema(client, 'Campaign', clock).describe()).has(CAMPAIGN_KEY_FIELD.toLowerCase()),
    );
    this.statuses = new MemberStatuses(
      async (query) => (await queryTogether(client, apiVersion, memberStatusSchema, [query]))[0]!,
      clock,
    );
    this.memberships = new Memberships({
      ...options,
      campaigns: this.campaigns,
      statuses: this.statuses,
      sizes: this.sizes,
      causes: this.causes,
      memberSchema: new OrgSchema(client, 'CampaignMember', clock),
    });
    this.syncing = new Batcher({
      run: (requests) => this.run(requests),
      maxBatch: batchSize,
      maxWaiting: MAX_WAITING,
      windowMs: batchWindowMs,
      moreFollow: (waiting) => this.moreFollow(waiting),
      parallel: 2,
      keyOf: ({ sync }) => sync.personKey,
    });
  }

  /** The signal ends the wait; a call that others share goes on. */
  async sync(sync: CrmSync, signal: AbortSignal): Promise<CrmSynced> {
    const synced = await unlessStopped(this.syncing.submit({ sync, signal }, sync.urgent), signal);
    if (synced instanceof AppError) throw synced;
    return synced;
  }

  async validate(sync: CrmSync): Promise<CrmFinding> {
    const [match] = await matchPersons(this.options, [sync]);
    const campaignKnown = 'id' in (await this.campaigns.resolve(sync.campaignId));
    if (match!.target?.object === 'Contact') return { act: 'membership only', campaignKnown, problems: [] };
    const act = match!.target ? 'update' : 'create';
    const tools = { map: this.options.map, schema: this.schema };
    const { fields, cut, unreadable, notes } = await personRecord(tools, sync, match!, new Set());
    const problems = [
      ...problemsOf(fields, await this.schema.describe(), act),
      ...cut.map((name) => `${name}: is longer than the field, and will be cut`),
      ...unreadable.map((name) => `${name}: its value cannot be read as what the field holds, and is left out`),
      ...notes,
      ...(match!.mergedInto ? [`the person's Lead was merged into ${match!.mergedInto}, which belongs to another person`] : []),
    ];
    return { act, campaignKnown, problems };
  }

  check(): Promise<CrmCheck> {
    const { client, apiVersion, map, campaignMap, leaveOut, match, clock } = this.options;
    return checkOrg({ client, apiVersion, map, campaignMap, leaveOut, match, statuses: this.statuses }, (object) =>
      new OrgSchema(client, object, clock).describe(),
    );
  }

  compare(persons: PersonProjection[]): Promise<CrmDifference[]> {
    return comparePersons({ ...this.options, schema: this.schema }, persons);
  }

  changeOwner(leadId: string, from: string, to: string, signal: AbortSignal): Promise<OwnerChange> {
    return changeOwner(this.options, { leadId, from, to }, signal);
  }

  async erasePerson(personKey: string, signal: AbortSignal): Promise<number> {
    const { client, apiVersion, map, erase } = this.options;
    this.known.delete(personKey);
    return erasePerson({ client, apiVersion, map, erase }, personKey, signal);
  }

  async ping(): Promise<void> {
    await this.options.client.call({ method: 'GET', path: 'limits' }, z.unknown());
  }

  expectMore(moreFollow: (waiting: number) => boolean): void {
    this.moreFollow = moreFollow;
  }

  flush(): void {
    this.options.client.stopRepeating();
    this.syncing.flush();
  }

  async close(): Promise<void> {}

  /** Those whose run has ended meanwhile are not begun: their leads belong to another run. */
  private async run(requests: Request[]): Promise<(CrmSynced | AppError)[]> {
    const due = requests.filter(({ signal }) => !signal.aborted).map(({ sync }) => sync);
    const written = due.length > 0 ? await this.write(due) : [];
    return requests.map(({ signal }, index) => {
      const place = due.indexOf(requests[index]!.sync);
      return place < 0 ? stopped(signal) : written[place]!;
    });
  }

  /**
   * Persons first, each once; then their memberships. A person whose record moved in between is looked for once more.
   */
  private async write(syncs: CrmSync[]): Promise<(CrmSynced | AppError)[]> {
    const persons = await this.writePersons(syncs);
    const members = await this.memberships.ensure(syncs, persons);
    const moved = syncs.flatMap((_, index) => ('person' in members[index]! ? [index] : []));
    if (moved.length > 0) {
      const again = moved.map((index) => syncs[index]!);
      for (const { personKey } of again) this.known.delete(personKey);
      const newPersons = await this.writePersons(again);
      const newMembers = await this.memberships.ensure(again, newPersons);
      moved.forEach((index, place) => {
        const [before, person, member] = [persons[index]!, newPersons[place]!, newMembers[place]!];
        persons[index] = person;
        if (!('person' in member)) members[index] = member;
        else if (isSameRecord(before, person)) members[index] = this.memberships.refused(syncs[index]!, member.person);
        else members[index] = isCreated(before) && isCreated(person) ? this.goneAtOnce(member.person) : member;
      });
    }
    return syncs.map((sync, index) => this.syncedOf(sync, persons[index]!, members[index]!));
  }

  private syncedOf(sync: CrmSync, person: PersonResult, member: MemberResult): CrmSynced | AppError {
    if (person instanceof AppError) return person;
    if (member instanceof AppError) return member;
    if ('person' in member) return member.person;
    const { name: provider } = this;
    const { id: memberId, notes: memberNotes, ...written } = member;
    const notes = [...person.notes, ...memberNotes];
    const exchange: CrmExchange = {
      provider,
      ...contentOf(sync),
      lead: person.written,
      member: written,
      ...(notes.length > 0 ? { notes } : {}),
    };
    return {
      provider,
      leadId: person.target.id,
      memberId,
      ...(person.cut.length > 0 ? { cut: person.cut } : {}),
      ...(person.leftOut.length > 0 ? { leftOut: person.leftOut } : {}),
      ...(person.owner ? { owner: person.owner } : {}),
      exchanges: [exchange],
    };
  }

  /** A trigger may delete the Leads of some persons only, so the others decide whether a setting is at fault. */
  private goneAtOnce({ answer }: AppError): AppError {
    const message =
      'Salesforce deletes or converts the Lead as soon as it is created, as a trigger or a flow does, and shows no other record ' +
      'of the person. Correct the automation, then replay.';
    const error = new AppError('CRM_RECORD_REJECTED', message, {
      signature: 'GONE_AT_ONCE',
      ...(answer === undefined ? {} : { answer }),
    });
    return this.causes.judge('member', error, false);
  }

  /** What this process has written needs no call where the membership is there as well. */
  private async writePersons(syncs: CrmSync[]): Promise<PersonResult[]> {
    const { map } = this.options;
    const results = await Promise.all(syncs.map((sync) => this.writtenAlready(sync)));
    const due = syncs.filter((_, index) => results[index] === null);
    if (due.length === 0) return results as PersonResult[];
    await this.schema.require([...map.lead.map(({ to }) => to), PERSON_KEY_FIELD, VERSION_FIELD]);
    const known = due.map(({ personKey }) => this.known.get(personKey));
    const tools = { ...this.options, schema: this.schema, sizes: this.sizes, causes: this.causes };
    const written = await writePersons(tools, due, known);
    // A field may have changed since the org was asked for its fields: the next try knows it as it is now.
    if (written.some((result) => result instanceof AppError && mayBeSetting(result))) this.schema.forget();
    written.forEach((result, index) => {
      const { personKey, projection } = due[index]!;
      if (result instanceof AppError || result.written.answer === 'other-person') this.known.delete(personKey);
      else {
        const owner = result.owner ? { ownerId: result.owner.id } : {};
        this.known.set(personKey, { target: result.target, version: projection.version, ...owner });
      }
    });
    return results.map((result) => result ?? written.shift()!);
  }

  private async writtenAlready(sync: CrmSync): Promise<PersonResult | null> {
    const known = this.known.get(sync.personKey);
    if (!known || known.version < sync.projection.version) return null;
    const written = { answer: 'sent-before' as const, fields: {} };
    const owner = sync.owner && known.ownerId !== undefined ? { owner: { id: known.ownerId, created: false } } : {};
    const person = { target: known.target, written, cut: [], leftOut: [], notes: [], ...owner };
    return (await this.memberships.isDue(sync, known.target, memberFieldsOf(this.options.map, sync))) ? null : person;
  }
}

function isSameRecord(one: PersonResult, other: PersonResult): boolean {
  return !(one instanceof AppError) && !(other instanceof AppError) && one.target.id === other.target.id;
}

function isCreated(person: PersonResult): boolean {
  return !(person instanceof AppError) && person.written.answer === 'created';
}

function mayBeSetting({ code, signature }: AppError): boolean {
  return code === 'CRM_MISCONFIGURED' || signature !== undefined;
}
