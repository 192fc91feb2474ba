import { lockedInTrigger, lockedRow, noSuchColumn, recordError, RequestRefused, type RecordError } from './errors.js';
import { isId, objectOf, to18, type ObjectName } from './ids.js';
import { INTEGRATION_USER, named, type Org } from './org.js';
import {
  customErrors,
  duplicateErrors,
  fieldErrors,
  keyErrors,
  matcherErrors,
  memberErrors,
  uniqueErrors,
  versionErrors,
} from './rules.js';
import { isLookup } from './schema.js';
import type { StoredRecord, Undo } from './store.js';
import { coerce } from './values.js';

/** A record of a call. `external` makes it an upsert. */
export interface WriteOperation {
  act: 'create' | 'update' | 'upsert' | 'delete';
  object: ObjectName;
  id?: string;
  external?: { field: string; value: unknown };
  fields: Record<string, unknown>;
}

export type WriteOutcome =
  | { id: string; success: true; created: boolean }
  | { success: false; id?: string; errors: RecordError[] };

/** The request's headers and planned faults that apply to the whole call. */
export interface WriteContext {
  autoAssign: boolean;
  allowSave: boolean;
  includeRecordDetails: boolean;
  version: number;
  allOrNone: boolean;
  /** Whether the n-th record meets a lock of another client. */
  lockOf(index: number): 'plain' | 'wrapped' | null;
}

interface Prepared {
  operation: WriteOperation;
  values: Record<string, unknown>;
  /** The record to update; undefined to create one. */
  target?: string;
  errors: RecordError[];
}

/**
 * Writes the records of one call. Targets are resolved at its start, and rows are held for its duration (`latencyMs`),
 * so two calls can race as in Salesforce. Two upserts of a new external id collide on the unique index. Two writes of a
 * record, or two memberships of a campaign, meet UNABLE_TO_LOCK_ROW. (Salesforce first waits up to 10 s for a row.)
 */
export async function write(org: Org, operations: WriteOperation[], context: WriteContext): Promise<WriteOutcome[]> {
  const holder = {};
  const prepared = operations.map((operation) => prepare(org, operation));
  refuseRepeats(prepared);
  prepared.forEach((each, index) => lockRows(org, each, holder, context.lockOf(index)));
  runTriggers(org, prepared);
  try {
    if (org.settings.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, org.settings.latencyMs));
    const undo: Undo = [];
    const outcomes = prepared.map((each) => (each.errors.length > 0 ? failed(each) : apply(org, each, context, undo)));
    return context.allOrNone && outcomes.some((outcome) => !outcome.success) ? rollBack(outcomes, undo) : outcomes;
  } finally {
    org.release(holder);
  }
}

const failed = ({ target, errors }: Prepared): WriteOutcome => ({ success: false, ...(target ? { id: target } : {}), errors });

/**
 * An unknown column fails the whole call with 400, also in collections: the body is parsed into typed records before
 * any is processed.
 */
function prepare(org: Org, operation: WriteOperation): Prepared {
  const { object } = operation;
  const values: Record<string, unknown> = {};
  const errors: RecordError[] = [];
  const forbidden: string[] = [];
  for (const [name, raw] of Object.entries(operation.fields)) {
    if (raw !== null && typeof raw === 'object') {
      const found = foreignKey(org, object, name, raw as Record<string, unknown>);
      if ('error' in found) errors.push(found.error);
      else values[found.field] = found.id;
      continue;
    }
    const spec = org.fieldOf(object, name);
    if (!spec) throw noSuchColumn(name, object);
    values[spec.name] = coerce(spec, raw);
    if (!(operation.act === 'create' ? spec.createable : spec.updateable || operation.act === 'upsert'))
      forbidden.push(spec.name);
  }
  const prepared: Prepared = { operation, values, errors };
  resolve(org, prepared);
  for (const name of operation.act === 'upsert' ? Object.keys(values) : []) {
    const spec = org.fieldOf(object, name)!;
    if (!(prepared.target ? spec.updateable : spec.createable) && name !== operation.external?.field) forbidden.push(name);
  }
  if (forbidden.length > 0)
    errors.push(
      recordError(
        'INVALID_FIELD_FOR_INSERT_UPDATE',
        `Unable to create/update fields: ${forbidden.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
        forbidden,
      ),
    );
  if (org.accessTo(object) !== 'edit') errors.unshift(noAccess(object, prepared.target === undefined, operation.act));
  return prepared;
}

function noAccess(object: ObjectName, creates: boolean, act: WriteOperation['act']): RecordError {
  const done = act === 'delete' ? 'deleted' : creates ? 'inserted' : 'updated';
  return recordError('INVALID_TYPE_FOR_OPERATION', `entity type cannot be ${done}: ${object}`);
}

/** `{"Campaign": {"RF_Campaign_Key__c": "c1"}}` identifies the parent by its external id. */
function foreignKey(
  org: Org,
  object: ObjectName,
  relationship: string,
  key: Record<string, unknown>,
): { field: string; id: string } | { error: RecordError } {
  const spec = org.fieldsOf(object).find((each) => each.relationshipName === relationship);
  if (!spec) throw noSuchColumn(relationship, object);
  const parent = spec.referenceTo[0] as ObjectName;
  const [name, value] = Object.entries(key).find(([field]) => field !== 'attributes') ?? [];
  const keySpec = name === undefined ? undefined : org.fieldOf(parent, name);
  if (!keySpec?.externalId) throw noSuchColumn(String(name), parent);
  const [id] = org.store.byExternalId(parent, keySpec, value);
  if (id !== undefined) return { field: spec.name, id };
  const message = `Foreign key external ID: ${String(value)} not found for field ${keySpec.name} in entity ${parent}`;
  return { error: recordError('INVALID_FIELD', message) };
}

function resolve(org: Org, prepared: Prepared): void {
  const { operation, values, errors } = prepared;
  const { object } = operation;
  if (operation.act === 'create') return;
  if (operation.external) {
    const spec = org.fieldOf(object, operation.external.field)!;
    const value = coerce(spec, operation.external.value);
    if (value === null) return void errors.push(recordError('MISSING_ARGUMENT', `${spec.name} not specified`));
    values[spec.name] = value;
    const ids = org.store.byExternalId(object, spec, value);
    if (ids.length > 1) {
      const found = `more than one record found for external id field: [${ids.map((id) => id.slice(0, 15)).join(', ')}]`;
      errors.push(recordError('DUPLICATE_EXTERNAL_ID', found));
    }
    if (ids.length === 1) prepared.target = ids[0]!;
    return;
  }
  if (operation.id === undefined)
    return void errors.push(recordError('MISSING_ARGUMENT', 'Id not specified in an update call', ['Id']));
  if (!isId(operation.id) || objectOf(operation.id) !== object)
    return void errors.push(recordError('MALFORMED_ID', `${object} ID: id value of incorrect type: ${operation.id}`, ['Id']));
  prepared.target = to18(operation.id);
  const record = org.store.get(operation.id);
  if (!record) errors.push(recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id'));
  else if (record['IsDeleted'] === true) errors.push(recordError('ENTITY_IS_DELETED', 'entity is deleted'));
}

/** If one call has the same external id or id twice, neither record is written. */
function refuseRepeats(prepared: Prepared[]): void {
  const seen = new Map<string, Prepared[]>();
  for (const each of prepared) {
    const { external, act, object } = each.operation;
    const value = external ? each.values[external.field] : act === 'update' ? each.target : undefined;
    if (value === undefined || value === null) continue;
    const key = `${object}|${String(value).toLowerCase()}`;
    seen.set(key, [...(seen.get(key) ?? []), each]);
  }
  for (const repeated of seen.values()) {
    if (repeated.length < 2) continue;
    for (const each of repeated) {
      const { external } = each.operation;
      const message = external
        ? `Duplicate external id specified: ${String(external.value)}`
        : `Duplicate id specified: ${String(each.target)}`;
      each.errors.push(recordError('DUPLICATE_VALUE', message, external ? [external.field] : []));
    }
  }
}

/** A trigger that exceeds a governor limit fails each record of its transaction. */
function runTriggers(org: Org, prepared: Prepared[]): void {
  for (const [object, { spoils, error }] of org.triggerExceptions) {
    const passing = prepared.filter(({ operation, errors }) => operation.object === object && errors.length === 0);
    if (passing.some(({ values }) => spoils(values))) for (const each of passing) each.errors.push(error);
  }
  for (const [object, { most, error }] of org.triggerLimits) {
    const own = prepared.filter(({ operation, errors }) => operation.object === object && errors.length === 0);
    if (own.length > most) for (const each of own) each.errors.push(error);
  }
}

function lockRows(org: Org, each: Prepared, holder: object, lock: 'plain' | 'wrapped' | null): void {
  if (each.errors.length > 0) return;
  const campaign = each.operation.object === 'CampaignMember' ? each.values['CampaignId'] : undefined;
  const rows = [each.target, campaign].filter((row): row is string => typeof row === 'string').map(to18);
  const refused = org.take(rows, holder);
  const row = rows[0] ?? '00Q000000000000AAA';
  if (lock === 'wrapped') each.errors.push(lockedInTrigger(each.operation.object, row));
  else if (refused.length > 0 || lock === 'plain') each.errors.push(lockedRow(refused.length > 0 ? refused : [row]));
}

function apply(org: Org, each: Prepared, context: WriteContext, undo: Undo): WriteOutcome {
  const { operation, target } = each;
  const { object } = operation;
  const before = target === undefined ? undefined : org.store.get(target);
  if (operation.act === 'delete') {
    org.deleteRecord(target!);
    undo.push(() => org.store.save(object, before!));
    return { id: target!, success: true, created: false };
  }
  const after = candidate(org, each, before, context);
  const errors = check(org, object, before, after, new Set(Object.keys(each.values)), context);
  if (errors.length > 0) return failed({ ...each, errors });
  org.onWrite(object, after, before);
  org.store.save(object, after, undo);
  return { id: after.Id, success: true, created: before === undefined };
}

/** The record as it would be saved. Assignment rules change the owner on every write that does not disable them. */
function candidate(
  org: Org,
  { operation, values }: Prepared,
  before: StoredRecord | undefined,
  context: WriteContext,
): StoredRecord {
  const { object } = operation;
  const blank = () =>
    Object.fromEntries([...org.store.schema[object].values()].map((spec) => [spec.name, spec.type === 'boolean' ? false : null]));
  const fresh = () => ({
    ...blank(),
    ...('OwnerId' in blank() ? { OwnerId: INTEGRATION_USER } : {}),
    ...(object === 'Lead' ? { Status: 'Open - Not Contacted' } : {}),
    ...(object === 'CampaignMember' ? { Status: 'Sent' } : {}),
    Id: org.store.newId(object),
  });
  const given = Object.fromEntries(
    Object.entries(values).filter(([name, value]) => value !== null || !org.store.schema[object].get(name)?.defaultedOnCreate),
  );
  const record = { ...(before ?? fresh()), ...given } as StoredRecord;
  if (object === 'CampaignMember') return respond(org, record, before);
  if (object === 'Lead' && context.autoAssign && org.settings.assignmentRule)
    return named(object, { ...record, OwnerId: org.nextOwner() });
  return named(object, record);
}

/** A status that the campaign lacks becomes its default; a responded status sets HasResponded and the date once. */
function respond(org: Org, record: StoredRecord, before: StoredRecord | undefined): StoredRecord {
  const known = org.store.statusesOf(record['CampaignId']);
  const found = known.find(({ Label }) => Label === record['Status']) ?? known.find(({ IsDefault }) => IsDefault === true);
  const [status, responded] = [found?.['Label'] ?? 'Sent', found?.['HasResponded'] === true];
  const date = before?.['FirstRespondedDate'] ?? (responded ? new Date().toISOString().slice(0, 10) : null);
  return { ...record, Status: status, HasResponded: responded, FirstRespondedDate: date };
}

function check(
  org: Org,
  object: ObjectName,
  before: StoredRecord | undefined,
  after: StoredRecord,
  changed: Set<string>,
  context: WriteContext,
): RecordError[] {
  if (before?.['IsDeleted'] === true) return [recordError('ENTITY_IS_DELETED', 'entity is deleted')];
  if (before?.['IsConverted'] === true) return [recordError('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead')];
  const lockInIdOrder = [
    () => (object === 'Lead' && org.inactiveUsers.has(String(after['OwnerId'])) ? [inactiveOwner(after['OwnerId'])] : []),
    () => fieldErrors(org, object, after, changed),
    () => (object === 'CampaignMember' ? memberErrors(org, after) : []),
    () => customErrors(org, object, before, after),
    () => (object === 'Lead' ? keyErrors(org, before, after) : []),
    () => (object === 'Lead' ? versionErrors(org, before, after) : []),
    () => matcherErrors(org, object, before, after),
    () => duplicateErrors(org, object, before, after, context),
    () => uniqueErrors(org, object, after),
  ];
  for (const rule of lockInIdOrder) {
    const errors = rule();
    if (errors.length > 0) return errors;
  }
  return [];
}

const inactiveOwner = (user: unknown): RecordError =>
  recordError('INACTIVE_OWNER_OR_USER', `operation performed with inactive user [${String(user)}] as owner of lead`);

function rollBack(outcomes: WriteOutcome[], undo: Undo): WriteOutcome[] {
  for (const step of undo.toReversed()) step();
  return outcomes.map((outcome) =>
    outcome.success
      ? {
          success: false,
          id: outcome.id,
          errors: [
            recordError(
              'ALL_OR_NONE_OPERATION_ROLLED_BACK',
              'Record rolled back because not all records were valid and the request was using AllOrNone header',
            ),
          ],
        }
      : outcome,
  );
}

/** A single upsert whose external id matches several records is answered 300 with their addresses. */
export const matchesOf = (org: Org, object: ObjectName, fieldName: string, value: unknown): string[] => {
  const spec = org.fieldOf(object, fieldName);
  if (!spec || !isLookup(spec))
    throw new RequestRefused(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${fieldName}`);
  return org.store.byExternalId(object, spec, coerce(spec, value));
};
