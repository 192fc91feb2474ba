import { IdSequence, KEY_PREFIX, objectOf, to18, type ObjectName } from './ids.js';
import { isLookup, standardSchema, type FieldSpec } from './schema.js';
import { toDateTime } from './values.js';

/** A stored record. It is immutable: each write stores a new one, so that a rollback can restore the old one. */
export type StoredRecord = Readonly<Record<string, unknown>> & { readonly Id: string };

export type Undo = (() => void)[];

/** The records of an org by object, with indexes for lookup fields and memberships. */
export class Store {
  readonly schema: Record<ObjectName, Map<string, FieldSpec>>;
  private readonly ids = new IdSequence();
  private readonly tables: Record<ObjectName, Map<string, StoredRecord>> = {
    Lead: new Map(),
    Contact: new Map(),
    Campaign: new Map(),
    CampaignMember: new Map(),
    CampaignMemberStatus: new Map(),
    Opportunity: new Map(),
    Account: new Map(),
    User: new Map(),
    Task: new Map(),
    Event: new Map(),
  };
  /** Maps `Object.Field=value`, or a membership's pair, to the ids of the records that are not deleted. */
  private readonly index = new Map<string, Set<string>>();

  /** The org's clock. */
  now: () => number = Date.now;

  constructor(
    withPackage: boolean,
    /** False models an org where the field is not unique, so one external id may match several records. */
    personKeyUnique: boolean,
  ) {
    this.schema = standardSchema(withPackage);
    const key = this.schema.Lead.get('RF_Person_Key__c');
    if (key) key.unique = personKeyUnique;
  }

  all(object: ObjectName): StoredRecord[] {
    return [...this.tables[object].values()];
  }

  live(object: ObjectName): StoredRecord[] {
    return this.all(object).filter((record) => record['IsDeleted'] === false);
  }

  get(id: string): StoredRecord | undefined {
    const object = objectOf(id);
    return object ? this.tables[object].get(to18(id)) : undefined;
  }

  newId(object: ObjectName): string {
    return this.ids.of(KEY_PREFIX[object]);
  }

  /** Ids of the records, deleted ones excluded, with this value in a lookup field. */
  byExternalId(object: ObjectName, spec: FieldSpec, value: unknown): string[] {
    return [...(this.index.get(keyOf(object, spec, value)) ?? [])];
  }

  memberOf(campaignId: unknown, personId: unknown): string | undefined {
    return [...(this.index.get(`member=${String(campaignId)}|${String(personId)}`) ?? [])][0];
  }

  /** The member statuses of a campaign. */
  statusesOf(campaignId: unknown): StoredRecord[] {
    return [...(this.index.get(`status=${String(campaignId)}`) ?? [])].map((id) => this.tables.CampaignMemberStatus.get(id)!);
  }

  /** @param at what the times say, in milliseconds since 1970. */
  save(object: ObjectName, record: StoredRecord, undo?: Undo, at = this.now()): void {
    const before = this.tables[object].get(record.Id);
    const now = toDateTime(at);
    const after = { ...record, CreatedDate: before?.['CreatedDate'] ?? now, LastModifiedDate: now, SystemModstamp: now };
    this.swap(object, before, after);
    undo?.push(() => this.swap(object, after, before));
  }

  private swap(object: ObjectName, before: StoredRecord | undefined, after: StoredRecord | undefined): void {
    for (const key of before ? this.keysOf(object, before) : []) this.index.get(key)?.delete(before!.Id);
    if (after) this.tables[object].set(after.Id, after);
    else if (before) this.tables[object].delete(before.Id);
    for (const key of after ? this.keysOf(object, after) : []) {
      const ids = this.index.get(key) ?? new Set();
      this.index.set(key, ids.add(after!.Id));
    }
  }

  private keysOf(object: ObjectName, record: StoredRecord): string[] {
    if (record['IsDeleted'] === true) return [];
    const keys: string[] = [];
    for (const spec of this.schema[object].values())
      if (isLookup(spec) && typeof record[spec.name] === 'string') keys.push(keyOf(object, spec, record[spec.name]));
    if (object === 'CampaignMemberStatus') keys.push(`status=${String(record['CampaignId'])}`);
    if (object === 'CampaignMember')
      for (const person of [record['LeadId'], record['ContactId']])
        if (person) keys.push(`member=${String(record['CampaignId'])}|${String(person)}`);
    return keys;
  }
}

function keyOf(object: ObjectName, spec: FieldSpec, value: unknown): string {
  const text = String(value);
  return `${object}.${spec.name}=${spec.caseSensitive ? text : text.toLowerCase()}`;
}
