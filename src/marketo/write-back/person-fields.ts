import type { Projection } from '../../ledger/lead-content-sql.js';
import type { MarketoValues, OwedUpdate } from '../../ledger/marketo-updates.repository.js';
import { truncateText } from '../../platform/truncate-text.js';
import type { MarketoField } from '../client/marketo-api.js';
import type { FieldMap, FieldRule } from '../field-map.js';

/** What Marketo calls a text has this length where describe gives none. */
const STRING_LENGTH = 255;
/**
 * Of a text area, in bytes: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-
 * database/field-types
 */
const TEXT_AREA_BYTES = 30_000;

type Value = string | number | boolean;
type Raw = Value | readonly string[] | null;

/** What is known of a person. */
export interface DescribedPerson extends Pick<OwedUpdate, 'scoredAt' | 'facts'> {
  /** With the probability of conversion, where a calibration gives one. */
  projection: Projection & { probability?: number };
}

/**
 * What Marketo should show of a person. A field whose source has nothing is left out: it is never cleared on a guess.
 */
export function personFields({ person: rules }: FieldMap, person: DescribedPerson, fields: Map<string, MarketoField>) {
  const values: MarketoValues = {};
  for (const rule of rules) {
    if (rule.optional && (fields.get(rule.to)?.readOnly ?? true)) continue;
    const value = valueOf(rule, person);
    if (value !== null && value !== '') values[rule.to] = fitted(value, fields.get(rule.to));
  }
  return values;
}

/** Those of `wanted` that Marketo does not show yet; empty where only fields changed that are written with others. */
export function changedFields({ person }: FieldMap, wanted: MarketoValues, sent: MarketoValues): MarketoValues {
  const changed = Object.entries(wanted).filter(([name, value]) => sent[name] !== value);
  const alone = new Set(person.filter(({ whenChanged }) => whenChanged === 'any').map(({ to }) => to));
  return changed.some(([name]) => alone.has(name)) ? Object.fromEntries(changed) : {};
}

function valueOf({ from, constant, transform, values }: FieldRule, person: DescribedPerson): Value | null {
  if (constant !== undefined) return constant;
  const raw = read(from!, person);
  if (raw === null) return null;
  const value = transformed(typeof raw === 'object' ? raw.join('; ') : raw, transform);
  if (value === null || !values) return value;
  return values[String(value)] ?? values['*'] ?? value;
}

function read(path: string, { projection, scoredAt, ...person }: DescribedPerson): Raw {
  const facts = person.facts ?? {};
  const { lead, enrichment, version, probability } = projection;
  if (path.startsWith('attributes.')) return lead.attributes[path.slice('attributes.'.length)] ?? null;
  if (path === 'enrichment.evidence') return enrichment.evidence.map(({ signal }) => signal);
  if (path.startsWith('enrichment.')) return (enrichment[path.slice('enrichment.'.length) as 'fitScore'] ?? null) as Raw;
  switch (path) {
    case 'version':
      return version;
    case 'probability':
      return probability ?? null;
    case 'owner':
      return facts.ownerName ?? facts.ownerId ?? null;
    case 'owner.id':
      return facts.ownerId ?? null;
    case 'owner.name':
      return facts.ownerName ?? null;
    case 'owner.email':
      return facts.ownerEmail ?? null;
    case 'outcome':
      return facts.outcome ?? null;
    case 'outcome.at':
      return facts.outcomeAt === undefined ? null : toSeconds(facts.outcomeAt);
    case 'scoredAt':
      return scoredAt && toSeconds(scoredAt.toISOString());
    case 'campaignId':
      return lead.campaignId;
    default:
      return lead.id;
  }
}

/** Marketo's dates have no fraction of a second. */
const toSeconds = (time: string) => time.replace(/\.\d{3}Z$/, 'Z');

function transformed(value: Value, transform: FieldRule['transform']): Value | null {
  switch (transform) {
    case undefined:
      return value;
    case 'text':
      return String(value);
    case 'lower':
      return String(value).toLowerCase();
    case 'upper':
      return String(value).toUpperCase();
    case 'boolean':
      return /^(?:1|true|yes|y|on)$/i.test(String(value).trim());
    case 'number':
      return String(value).trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : null;
  }
}

/** Marketo refuses a text that is longer than its field. */
function fitted(value: Value, field: MarketoField | undefined): Value {
  if (typeof value !== 'string') return value;
  if (field?.dataType === 'text') return cutToBytes(value, TEXT_AREA_BYTES);
  return truncateText(value, field?.length ?? STRING_LENGTH);
}

function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes)).replace(/\uFFFD$/, '');
}
