import { recordError, type RecordError } from './errors.js';
import { objectOf, to18, type ObjectName } from './ids.js';
import { field, type FieldSpec } from './schema.js';
import { Store, type StoredRecord } from './store.js';

export type Access = 'none' | 'read' | 'edit';

export interface OrgSettings {
  custom: 'installed' | 'missing';
  versionRule: boolean;
  duplicateRule: 'off' | 'alert' | 'block';
  assignmentRule: boolean;
  personKeyUnique: boolean;
  /** Enforces the shipped validation rule on RF_Person_Key__c. */
  keyRule: boolean;
  latencyMs: number;
}

export type WriteObserver = (object: ObjectName, after: StoredRecord, before: StoredRecord | undefined) => void;

/** A validation rule, trigger or flow of the org. @returns the error that it raises for a record, if any. */
export type Rule = (record: StoredRecord, before: StoredRecord | undefined) => RecordError | null;
/**
 * A duplicate rule of the org besides the one on e-mail. @returns the ids of the records that it finds; null for no
 * match; an empty list for records that the user may not see.
 */
export type DuplicateMatcher = (record: StoredRecord, before: StoredRecord | undefined) => string[] | null;

/** The owner of records that the service creates with Sforce-Auto-Assign: FALSE. */
export const INTEGRATION_USER = '0055e000001IntgAAC';
/** The users to whom the active assignment rule assigns Leads, in turn. */
export const SALES_USERS = ['0055e000001SaleAAA', '0055e000002SaleAAA'] as const;

/** One Salesforce org: its records, its settings, and the changes that its admin makes while the service runs. */
export class Org {
  readonly store: Store;
  private readonly access = new Map<string, Access>();
  private readonly locked = new Map<string, number>();
  private readonly held = new Map<string, object>();
  private turn = 0;
  /** The users or queues to whom the active assignment rule assigns Leads, in turn. */
  assignees: readonly string[] = SALES_USERS;
  readonly inactiveUsers = new Set<string>();
  readonly rules = new Map<ObjectName, Rule[]>();
  duplicateMatcher: DuplicateMatcher = () => null;
  /** Called for each record that the API writes. */
  onWrite: WriteObserver = () => {};
  /** The most records per transaction that an object's trigger accepts, and its error for more. */
  readonly triggerLimits = new Map<ObjectName, { most: number; error: RecordError }>();
  readonly triggerExceptions = new Map<
    ObjectName,
    { spoils: (values: Record<string, unknown>) => boolean; error: RecordError }
  >();

  constructor(readonly settings: OrgSettings) {
    this.store = new Store(settings.custom === 'installed', settings.personKeyUnique);
  }

  /** The field as the integration user may use it; undefined where it is missing or unreadable. */
  fieldOf(object: ObjectName, name: string): FieldSpec | undefined {
    const fields = this.store.schema[object];
    const spec = fields.get(name) ?? [...fields.values()].find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (!spec || this.accessTo(`${object}.${spec.name}`) === 'none') return undefined;
    return this.accessTo(`${object}.${spec.name}`) === 'read' ? { ...spec, createable: false, updateable: false } : spec;
  }

  fieldsOf(object: ObjectName): FieldSpec[] {
    return [...this.store.schema[object].keys()].flatMap((name) => this.fieldOf(object, name) ?? []);
  }

  accessTo(target: string): Access {
    return this.access.get(target) ?? 'edit';
  }

  setAccess(target: string, access: Access): void {
    this.access.set(target, access);
  }

  addRule(object: ObjectName, rule: Rule): void {
    this.rules.set(object, [...(this.rules.get(object) ?? []), rule]);
  }

  limitTrigger(object: ObjectName, most: number, error = tooManyQueries(object)): void {
    this.triggerLimits.set(object, { most, error });
  }

  addRequiredField(name: string): void {
    this.store.schema.Lead.set(name, field(name, 'string', { length: 80, nillable: false, custom: true }));
  }

  removeField(object: ObjectName, name: string): void {
    this.store.schema[object].delete(name);
  }

  nextOwner(): string {
    return this.assignees[this.turn++ % this.assignees.length]!;
  }

  /** The next `times` writes to one of these records meet a lock of another user. */
  lockRows(ids: string[], times: number): void {
    for (const id of ids) this.locked.set(to18(id), times);
  }

  /** Locks the rows for one call. @returns the rows that another call or `lockRows` has locked. */
  take(rows: string[], holder: object): string[] {
    const refused = rows.filter((row) => {
      const times = this.locked.get(row) ?? 0;
      if (times > 0) this.locked.set(row, times - 1);
      return times > 0 || (this.held.has(row) && this.held.get(row) !== holder);
    });
    if (refused.length === 0) for (const row of rows) this.held.set(row, holder);
    return refused;
  }

  release(holder: object): void {
    for (const [row, by] of this.held) if (by === holder) this.held.delete(row);
  }

  /** Converts a Lead as sales does: the Lead closes, a Contact replaces it, and its memberships move to the Contact. */
  convertLead(leadId: string, contactId?: string, opportunityId: string | null = null): string {
    const lead = this.required(leadId);
    const contact =
      contactId ??
      this.seed('Contact', {
        FirstName: lead['FirstName'],
        LastName: lead['LastName'],
        Email: lead['Email'],
        OwnerId: lead['OwnerId'],
      });
    this.store.save('Lead', {
      ...lead,
      IsConverted: true,
      Status: 'Closed - Converted',
      ConvertedContactId: contact,
      ConvertedOpportunityId: opportunityId,
      ConvertedDate: new Date(this.store.now()).toISOString().slice(0, 10),
    });
    for (const member of this.store.live('CampaignMember'))
      if (member['LeadId'] === lead.Id) this.store.save('CampaignMember', { ...member, ContactId: contact });
    return contact;
  }

  /** Moves the record to the recycle bin: only queryAll returns it, and its external id is free again. */
  deleteRecord(id: string): void {
    const record = this.required(id);
    const object = objectOf(id)!;
    this.store.save(object, { ...record, IsDeleted: true });
    for (const member of this.store.live('CampaignMember'))
      if ([member['LeadId'], member['ContactId'], member['CampaignId']].includes(record.Id) && object !== 'CampaignMember')
        this.store.save('CampaignMember', { ...member, IsDeleted: true });
  }

  /**
   * The winner stays. The loser goes to the recycle bin and points at the winner. Memberships that the winner lacks
   * move to it.
   */
  mergeLeads(winnerId: string, loserId: string): void {
    const [winner, loser] = [this.required(winnerId), this.required(loserId)];
    for (const member of this.store.live('CampaignMember')) {
      if (member['LeadId'] !== loser.Id) continue;
      const taken = this.store.memberOf(member['CampaignId'], winner.Id) !== undefined;
      this.store.save('CampaignMember', { ...member, ...(taken ? { IsDeleted: true } : { LeadId: winner.Id }) });
    }
    this.store.save('Lead', { ...loser, IsDeleted: true, MasterRecordId: winner.Id });
  }

  /** The winner stays, as with Leads. */
  mergeContacts(winnerId: string, loserId: string): void {
    const [winner, loser] = [this.required(winnerId), this.required(loserId)];
    this.store.save('Contact', { ...loser, IsDeleted: true, MasterRecordId: winner.Id });
  }

  undeleteRecord(id: string): void {
    this.store.save(objectOf(id)!, { ...this.required(id), IsDeleted: false });
  }

  changeRecord(id: string, fields: Record<string, unknown>): void {
    this.store.save(objectOf(id)!, { ...this.required(id), ...fields });
  }

  /** @returns false, and changes nothing, while a call holds the row. */
  changeFreeRecord(id: string, fields: Record<string, unknown>): boolean {
    if (this.held.has(to18(id))) return false;
    this.changeRecord(id, fields);
    return true;
  }

  /** A change that becomes visible later than its time `at` says: its SystemModstamp is older than what was read. */
  commitLate(id: string, fields: Record<string, unknown>, at: number): void {
    this.store.save(objectOf(id)!, { ...this.required(id), ...fields }, undefined, at);
  }

  /** What sales does when a deal ends; the close date is the day of it. */
  closeOpportunity(id: string, won: boolean): void {
    this.changeRecord(id, {
      StageName: won ? 'Closed Won' : 'Closed Lost',
      IsClosed: true,
      IsWon: won,
      CloseDate: new Date(this.store.now()).toISOString().slice(0, 10),
    });
  }

  /** A record that existed before the service was connected, to which no rule applies. */
  seed(object: ObjectName, fields: Record<string, unknown>): string {
    const blank = Object.fromEntries(
      [...this.store.schema[object].values()].map((spec) => [spec.name, spec.type === 'boolean' ? false : null]),
    );
    const standing: Record<ObjectName, Record<string, unknown>> = {
      Lead: { LastName: 'Existing', Company: 'Existing Ltd', Status: 'Open - Not Contacted', OwnerId: SALES_USERS[0] },
      Contact: { LastName: 'Existing', OwnerId: SALES_USERS[0] },
      Campaign: { Name: 'Existing', IsActive: true, OwnerId: SALES_USERS[0] },
      CampaignMember: { Status: 'Sent' },
      CampaignMemberStatus: { Label: 'Sent' },
      Opportunity: { Name: 'Existing', StageName: 'Prospecting', CloseDate: '2099-12-31', OwnerId: SALES_USERS[0] },
      Account: { Name: 'Existing', OwnerId: SALES_USERS[0] },
      User: { Name: 'Existing', Email: 'existing@example.com', IsActive: true },
      Task: { Subject: 'Call', Status: 'Completed', CreatedById: SALES_USERS[0], OwnerId: SALES_USERS[0] },
      Event: { Subject: 'Meeting', CreatedById: SALES_USERS[0], OwnerId: SALES_USERS[0] },
    };
    const id = this.store.newId(object);
    this.store.save(object, named(object, { ...blank, ...standing[object], ...fields, Id: id }));
    if (object === 'Campaign') this.setMemberStatuses(id, USUAL_STATUSES);
    return id;
  }

  setMemberStatuses(CampaignId: string, statuses: readonly MemberStatusSpec[]): void {
    for (const status of this.store.statusesOf(CampaignId)) this.deleteRecord(status.Id);
    for (const [Label, HasResponded, IsDefault] of statuses)
      this.seed('CampaignMemberStatus', { CampaignId, Label, HasResponded, IsDefault });
  }

  private required(id: string): StoredRecord {
    const record = this.store.get(id);
    if (!record) throw new Error(`the fake Salesforce has no record ${id}`);
    return record;
  }
}

/** Label, whether it counts as a response, and whether it is the default. */
export type MemberStatusSpec = readonly [label: string, responded: boolean, isDefault: boolean];
/** The statuses of each new Campaign. */
const USUAL_STATUSES: readonly MemberStatusSpec[] = [
  ['Sent', false, true],
  ['Responded', true, false],
];

/** The error of a trigger that exceeded a governor limit. */
export const tooManyQueries = (object: ObjectName): RecordError =>
  recordError('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', `${object}Trigger: System.LimitException: Too many SOQL queries: 101`);

/** Sets Name from the first and the last name. */
export function named(object: ObjectName, record: StoredRecord): StoredRecord {
  if (object !== 'Lead' && object !== 'Contact') return record;
  return { ...record, Name: [record['FirstName'], record['LastName']].filter(Boolean).join(' ') };
}
