import type { CrmSync } from '../port.js';
import { NOT_PROVIDED } from '../person-name.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValues } from './field-map.js';
import type { PersonMatch } from './match.js';
import type { OrgSchema } from './org-schema.js';

/** What is sent of a person, and what could not be sent as the sender wrote it. */
export interface PersonRecord {
  fields: FieldValues;
  /** Names of fields whose text was cut to the length of the field. */
  cut: string[];
  /** Names of fields whose value could not be read as what the field holds. */
  unreadable: string[];
  notes: string[];
}

/** The record to write for a person. `omit`: names of fields that the org has refused for it. */
export async function personRecord(
  { map, schema }: { map: FieldMap; schema: OrgSchema },
  { projection }: CrmSync,
  match: PersonMatch,
  omit: Set<string>,
): Promise<PersonRecord> {
  const unreadable: string[] = [];
  const notes: string[] = [];
  const fields = leadFieldsOf(map, projection, match.target ? 'update' : 'create', unreadable);
  notes.push(...wordsLeftOut(map, projection.lead.name, fields, match.target !== null));
  if (match.key === null) delete fields[PERSON_KEY_FIELD];
  else fields[PERSON_KEY_FIELD] = match.key;
  for (const name of omit) delete fields[name];
  if (match.target && match.email && match.email.trim().toLowerCase() !== projection.lead.email.toLowerCase()) {
    // Another spelling of the address stays too: the shipped rule takes a change of it for a change of the person.
    for (const name of Object.keys(fields).filter((each) => each.toLowerCase() === 'email')) delete fields[name];
    if (match.byKeyAlone) notes.push('Email is left as it is: it was changed in Salesforce.');
  }
  if (match.target) notes.push(...(await withoutFixed(fields, schema)));
  const { cut, unfit } = await schema.fit(fields);
  if (!match.target) await fillRequired(fields, map, schema);
  return { fields, cut, unreadable: [...unreadable, ...unfit], notes };
}

/**
 * A title, a pronoun or a number is no part of a first or last name, and the rules that say so may be wrong about one.
 * The note has no word of the name: the lead has them all.
 */
function wordsLeftOut(map: FieldMap, name: string | null, fields: FieldValues, isUpdate: boolean): string[] {
  const rules = map.lead.filter(({ from }) => [from].flat().includes('name'));
  if (name === null || rules.length === 0 || (isUpdate && rules.some(({ on }) => on === 'create'))) return [];
  const targets = rules.map(({ to }) => to);
  const wordsOf = (text: string) => text.normalize('NFC').match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const written = new Set(targets.flatMap((to) => wordsOf(String(fields[to] ?? ''))));
  const count = wordsOf(name).filter((word) => !written.has(word)).length;
  if (count === 0) return [];
  return [
    `Words of the name that are not in ${targets.join(' or ')}, such as a title or a number: ${count}. The lead keeps them.`,
  ];
}

/** A field that can be written at creation only, such as an audit field, would fail each update. */
async function withoutFixed(fields: FieldValues, schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  const fixed = Object.keys(fields).filter((name) => {
    const field = described.get(name.toLowerCase());
    return field !== undefined && field.createable && !field.updateable && !ALWAYS_SENT.has(name.toLowerCase());
  });
  for (const name of fixed) delete fields[name];
  return fixed.map((name) => `${name} is left as it is: the org allows it at creation only.`);
}

/**
 * LastName and Company are required in most orgs. With person accounts Company is not, and stays empty for a private
 * person.
 */
async function fillRequired(fields: FieldValues, map: FieldMap, schema: OrgSchema): Promise<void> {
  const described = await schema.describe();
  for (const { to, whenMissing } of map.lead) {
    const required = described.get(to.toLowerCase())?.nillable === false;
    if (required && whenMissing !== undefined && !(to in fields) && NAMES.has(to)) fields[to] = NOT_PROVIDED;
  }
}

const NAMES = new Set(['LastName', 'Company']);
const ALWAYS_SENT = new Set(['email', PERSON_KEY_FIELD.toLowerCase(), VERSION_FIELD.toLowerCase(), 'id']);

/** Those of the fields that a Lead can do without. */
export async function optionalFields(names: string[], fields: FieldValues, schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  const sent = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  return names.flatMap((name) => {
    const field = described.get(name.toLowerCase());
    const sentAs = sent.get(name.toLowerCase());
    const needed = ALWAYS_SENT.has(name.toLowerCase()) || !field || !(field.nillable || field.defaultedOnCreate);
    return sentAs === undefined || needed ? [] : [sentAs];
  });
}

/** Fields that hold what the person or the form said. */
export function fieldsFromAttributes(map: FieldMap): string[] {
  return map.lead.filter(({ from }) => [from].flat().some((path) => path?.startsWith('attributes.'))).map(({ to }) => to);
}
