import { AppError } from '../../domain/app-error.js';
import { readJsonFile } from '../../platform/json-document.js';
import { companyDomainOf, NOT_PROVIDED, personNameOf, splitName, type PersonName } from '../person-name.js';
import type { CrmSync, PersonProjection } from '../port.js';
import source from './default-field-map.json' with { type: 'json' };
import { checkboxOf } from './read-checkbox.js';
import { calendarDayOf, instantOf } from './read-date.js';
import { numberOf } from './read-number.js';
import { fieldMapSchema, type FieldMap, type FieldRule, type TRANSFORMS } from './field-map.schema.js';

export type { FieldMap };

export const DEFAULT_FIELD_MAP: FieldMap = fieldMapSchema.parse(source);

/** Fields that the service itself needs on Lead, whatever the map says; salesforce/ has their definitions. */
export const PERSON_KEY_FIELD = 'RF_Person_Key__c';
export const VERSION_FIELD = 'RF_Version__c';

export type FieldValue = string | number | boolean;
export type FieldValues = Record<string, FieldValue>;

/** @throws AppError CONFIG_INVALID where the file cannot be read or is no field map. */
export async function loadFieldMap(path: string | undefined): Promise<FieldMap> {
  if (path === undefined) return DEFAULT_FIELD_MAP;
  const parsed = fieldMapSchema.safeParse(await readJsonFile(path, 'SALESFORCE_FIELD_MAP'));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: place, message }) => `Configuration: SALESFORCE_FIELD_MAP: ${place.join('.')} ${message}.`,
  );
  throw new AppError('CONFIG_INVALID', problems.join('\n'));
}

/**
 * What of the person goes into the Lead. On update only what was really said: placeholders are for new records.
 * @param unreadable gets the names of fields whose value was sent and is no number or date.
 */
export function leadFieldsOf(
  map: FieldMap,
  projection: PersonProjection,
  act: 'create' | 'update',
  unreadable: string[] = [],
): FieldValues {
  return {
    ...fieldsOf(map.lead, projection, projection.lead.campaignId, act, unreadable),
    [PERSON_KEY_FIELD]: projection.lead.personKey,
    [VERSION_FIELD]: projection.version,
  };
}

export function memberFieldsOf(map: FieldMap, { projection, campaignId }: CrmSync): FieldValues {
  return fieldsOf(map.campaignMember, projection, campaignId, 'create', []);
}

function fieldsOf(
  rules: FieldRule[],
  projection: PersonProjection,
  campaignId: string,
  act: 'create' | 'update',
  unreadable: string[],
): FieldValues {
  const fields: FieldValues = {};
  for (const rule of rules) {
    if (act === 'update' && rule.on === 'create') continue;
    const said = valueOf(rule, projection, campaignId);
    if (said === 'unreadable') unreadable.push(rule.to);
    const value =
      said === null || said === 'unreadable'
        ? act === 'create'
          ? missingValueOf(rule, projection, campaignId)
          : null
        : said.value;
    if (value !== null) fields[rule.to] = value;
  }
  return fields;
}

/** Transforms that not every text can go through. */
const MAY_BE_UNREADABLE = new Set<FieldRule['transform']>(['number', 'boolean', 'date', 'date-time']);

function valueOf(
  { from, constant, transform, values }: FieldRule,
  projection: PersonProjection,
  campaignId: string,
): { value: FieldValue } | 'unreadable' | null {
  if (constant !== undefined) return { value: constant };
  let unreadable = false;
  for (const path of typeof from === 'string' ? [from] : (from ?? [])) {
    const value = valueAt(path, transform, projection, campaignId);
    unreadable ||= value === null && MAY_BE_UNREADABLE.has(transform) && isSaid(read(path, projection, campaignId));
    if (value === null || value === '') continue;
    return { value: values ? (values[String(value)] ?? values['*'] ?? value) : value };
  }
  return unreadable ? 'unreadable' : null;
}

function isSaid(raw: Raw | null): boolean {
  return raw !== null && String(raw).trim() !== '';
}

const NAME_PARTS = {
  'first-name': 'firstName',
  'last-name': 'lastName',
  salutation: 'salutation',
  suffix: 'suffix',
} as const satisfies Partial<Record<(typeof TRANSFORMS)[number], keyof PersonName>>;

function valueAt(
  path: string,
  transform: FieldRule['transform'],
  projection: PersonProjection,
  campaignId: string,
): FieldValue | null {
  // The parts of the name may have been sent by themselves.
  if (path === 'name' && transform !== undefined && transform in NAME_PARTS) {
    const value = personNameOf(projection.lead)[NAME_PARTS[transform as keyof typeof NAME_PARTS]];
    return value === NOT_PROVIDED ? null : value;
  }
  const raw = read(path, projection, campaignId);
  return raw === null ? null : transformed(raw, transform);
}

function missingValueOf({ whenMissing }: FieldRule, projection: PersonProjection, campaignId: string): FieldValue | null {
  if (whenMissing === undefined || typeof whenMissing === 'string') return whenMissing ?? null;
  const raw = read(whenMissing.from, projection, campaignId);
  return raw === null ? null : transformed(raw, whenMissing.transform);
}

type Raw = FieldValue | readonly string[];

function read(path: string, { lead, enrichment, probability, version }: PersonProjection, campaignId: string): Raw | null {
  if (path.startsWith('attributes.')) return lead.attributes[path.slice('attributes.'.length)] ?? null;
  if (path === 'enrichment.evidence') return enrichment.evidence.map(({ signal }) => signal);
  if (path.startsWith('enrichment.')) return (enrichment[path.slice('enrichment.'.length) as 'fitScore'] ?? null) as Raw | null;
  if (path === 'probability') return probability ?? null;
  if (path === 'version') return version;
  // The version begins with when the content was received, in microseconds.
  if (path === 'receivedAt') return new Date(Math.floor(version / 1_000_000) * 1000).toISOString();
  if (path === 'campaignId') return campaignId;
  if (path === 'leadId') return lead.id;
  return lead[path as 'email' | 'emailRaw' | 'name' | 'personKey'];
}

const ACTS: Record<(typeof TRANSFORMS)[number], (text: string) => FieldValue | null> = {
  trim: (text) => text.trim(),
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  'first-name': (text) => splitName(text).firstName,
  'last-name': (text) => (text.trim() === '' ? null : splitName(text).lastName),
  salutation: (text) => splitName(text).salutation,
  suffix: (text) => splitName(text).suffix,
  domain: (text) => text.slice(text.lastIndexOf('@') + 1),
  'company-domain': (text) => companyDomainOf(text),
  number: (text) => numberOf(text),
  boolean: (text) => checkboxOf(text),
  date: (text) => calendarDayOf(text),
  'date-time': (text) => instantOf(text),
  lines: (text) => text,
};

function transformed(raw: Raw, transform: FieldRule['transform']): FieldValue | null {
  if (typeof raw === 'object') return raw.join(transform === 'lines' ? '\n' : '; ');
  return transform ? ACTS[transform](String(raw)) : raw;
}
