import { recordError, type DuplicateResult, type RecordError } from './errors.js';
import type { ObjectName } from './ids.js';
import type { Org } from './org.js';
import type { StoredRecord } from './store.js';
import { faultIn } from './values.js';

/** The text of the validation rule that salesforce/ ships; a test compares the two. */
export const VERSION_RULE_MESSAGE =
  'RevenueFlow refused this update: the lead already has a newer score version. Nothing was changed.';

/** Errors of required fields, lengths and formats in the record as it would be saved. */
export function fieldErrors(org: Org, object: ObjectName, record: StoredRecord, changed: Set<string>): RecordError[] {
  const specs = [...org.store.schema[object].values()];
  const missing = specs
    .filter((spec) => !spec.nillable && !spec.defaultedOnCreate && spec.createable && (record[spec.name] ?? null) === null)
    .map((spec) => spec.name);
  if (missing.length > 0)
    return [recordError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing)];
  return specs.filter((spec) => changed.has(spec.name)).flatMap((spec) => faultIn(spec, record[spec.name] ?? null) ?? []);
}

/** Errors of unique external ids that another record has, deleted ones excluded. */
export function uniqueErrors(org: Org, object: ObjectName, record: StoredRecord): RecordError[] {
  for (const spec of org.store.schema[object].values()) {
    if (!spec.unique || (record[spec.name] ?? null) === null) continue;
    const other = org.store.byExternalId(object, spec, record[spec.name]).find((id) => id !== record.Id);
    if (other !== undefined)
      return [
        recordError(
          'DUPLICATE_VALUE',
          `duplicate value found: ${spec.name} duplicates value on record with id: ${other.slice(0, 15)}`,
        ),
      ];
  }
  return [];
}

/** The shipped rule: RF_Version__c never decreases and is never cleared. */
export function versionErrors(org: Org, before: StoredRecord | undefined, after: StoredRecord): RecordError[] {
  const was = before?.['RF_Version__c'];
  if (!org.settings.versionRule || typeof was !== 'number') return [];
  const is = after['RF_Version__c'];
  if (typeof is === 'number' && is >= was) return [];
  return [recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', VERSION_RULE_MESSAGE, ['RF_Version__c'])];
}

/** The text of the second validation rule that salesforce/ ships; a test compares the two. */
export const KEY_RULE_MESSAGE = 'RevenueFlow refused this update: the lead belongs to another person. Nothing was changed.';

/** The shipped rule: a key is never replaced, and a Lead gets one only together with its current address. */
export function keyErrors(org: Org, before: StoredRecord | undefined, after: StoredRecord): RecordError[] {
  if (!org.settings.keyRule || !before) return [];
  const [was, is] = [normal(before['RF_Person_Key__c']), normal(after['RF_Person_Key__c'])];
  if (is === null || is === was) return [];
  if (was === null && normal(before['Email']) === normal(after['Email'])) return [];
  return [recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', KEY_RULE_MESSAGE, ['RF_Person_Key__c'])];
}

/** The first error of the org's own rules, triggers and flows. */
export function customErrors(org: Org, object: ObjectName, before: StoredRecord | undefined, after: StoredRecord): RecordError[] {
  for (const rule of org.rules.get(object) ?? []) {
    const error = rule(after, before);
    if (error) return [error];
  }
  return [];
}

/** Errors of the rules that match more than the address. */
export function matcherErrors(
  org: Org,
  object: ObjectName,
  before: StoredRecord | undefined,
  after: StoredRecord,
): RecordError[] {
  const ids = object === 'Lead' ? org.duplicateMatcher(after, before) : null;
  if (ids === null) return [];
  const matchRecords = ids.map((Id) => ({
    additionalInformation: [] as [],
    fieldDiffs: [] as [],
    matchConfidence: 80,
    record: { Id },
  }));
  const duplicateResult: DuplicateResult = {
    allowSave: false,
    duplicateRule: 'Leads_by_name_and_company',
    duplicateRuleEntityType: object,
    errorMessage: 'Use one of these records?',
    matchResults: [
      {
        entityType: object,
        errors: [],
        matchEngine: 'FuzzyMatchEngine',
        matchRecords,
        rule: 'Name_and_company',
        size: matchRecords.length,
        success: true,
      },
    ],
  };
  return [{ ...recordError('DUPLICATES_DETECTED', duplicateResult.errorMessage), duplicateResult }];
}

/**
 * The org's duplicate rule on e-mail for Leads and Contacts. It reads committed records only, so two simultaneous calls
 * both pass, as in Salesforce.
 */
export function duplicateErrors(
  org: Org,
  object: ObjectName,
  before: StoredRecord | undefined,
  after: StoredRecord,
  header: { allowSave: boolean; includeRecordDetails: boolean; version: number },
): RecordError[] {
  const rule = org.settings.duplicateRule;
  if (rule === 'off' || (object !== 'Lead' && object !== 'Contact') || (rule === 'alert' && header.allowSave)) return [];
  const email = normal(after['Email']);
  if (email === null || email === normal(before?.['Email'])) return [];
  const matchResults = (['Lead', 'Contact'] as const).flatMap((entity) => {
    const matches = org.store
      .byExternalId(entity, org.store.schema[entity].get('Email')!, email)
      .map((id) => org.store.get(id)!)
      .filter((each) => each.Id !== after.Id && each['IsConverted'] !== true);
    if (matches.length === 0) return [];
    const matchRecords = matches.map((match) => ({
      additionalInformation: [] as [],
      fieldDiffs: [] as [],
      matchConfidence: 100,
      record: {
        attributes: { type: entity, url: `/services/data/v${header.version}.0/sobjects/${entity}/${match.Id}` },
        Id: match.Id,
        ...(header.includeRecordDetails ? { Name: match['Name'], Email: match['Email'] } : {}),
      },
    }));
    return [
      {
        entityType: entity,
        errors: [] as [],
        matchEngine: 'ExactMatchEngine',
        matchRecords,
        rule: `Standard_${entity}_Match_Rule_v1_0`,
        size: matchRecords.length,
        success: true as const,
      },
    ];
  });
  if (matchResults.length === 0) return [];
  const duplicateResult: DuplicateResult = {
    allowSave: rule === 'alert',
    duplicateRule: `Standard_${object}_Duplicate_Rule`,
    duplicateRuleEntityType: object,
    errorMessage: 'Use one of these records?',
    matchResults,
  };
  return [{ ...recordError('DUPLICATES_DETECTED', duplicateResult.errorMessage), duplicateResult }];
}

const normal = (email: unknown): string | null => (typeof email === 'string' ? email.toLowerCase() : null);

/** A membership needs a live campaign and a live Lead or Contact, and is unique per pair. */
export function memberErrors(org: Org, after: StoredRecord): RecordError[] {
  const person = after['LeadId'] ?? after['ContactId'];
  if (!person) return [recordError('FIELD_INTEGRITY_EXCEPTION', "Attempted to add an entity 'null' to a campaign", ['LeadId'])];
  for (const [name, id] of [
    ['CampaignId', after['CampaignId']],
    [after['LeadId'] ? 'LeadId' : 'ContactId', person],
  ] as const) {
    const record = org.store.get(String(id));
    if (!record) return [recordError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [name])];
    if (record['IsDeleted'] === true) return [recordError('ENTITY_IS_DELETED', 'entity is deleted')];
    if (name === 'LeadId' && record['IsConverted'] === true)
      return [recordError('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead')];
  }
  const other = org.store.memberOf(after['CampaignId'], person);
  return other !== undefined && other !== after.Id ? [recordError('DUPLICATE_VALUE', 'Already a campaign member.')] : [];
}
