import type { ApiError } from './errors.js';
import { PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValues } from './field-map.js';
import type { Notices } from './notices.js';
import type { OrgSchema } from './org-schema.js';
import { fieldsFromAttributes, optionalFields } from './person-record.js';
import type { Act } from './shared-causes.js';

/**
 * How the shipped validation rules refuse an older version, and another person's record; salesforce/ has the same
 * words.
 */
export const OLDER_VERSION = 'the lead already has a newer score version';
export const OTHERS_KEY = 'the lead belongs to another person';

/** How a record is tried. */
export interface TryState {
  /** Names of fields that the org refused for it. */
  omit: Set<string>;
  /** Created without the assignment rules. */
  unassigned: boolean;
  /** Tried without all that the form said. */
  bare: boolean;
  notes: string[];
}

export interface RetryTools {
  map: FieldMap;
  schema: OrgSchema;
  notices: Notices;
  leaveOut: boolean;
}

/** Errors that name the fields whose values are refused. */
const NAMES_FIELDS = new Set([
  'BAD_CUSTOM_ENTITY_PARENT_DOMAIN',
  'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
  'FIELD_CUSTOM_VALIDATION_EXCEPTION',
  'FIELD_FILTER_VALIDATION_EXCEPTION',
  'FIELD_INTEGRITY_EXCEPTION',
  'INACTIVE_OWNER_OR_USER',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  'INVALID_CROSS_REFERENCE_KEY',
  'INVALID_EMAIL_ADDRESS',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'INVALID_TYPE_ON_FIELD_IN_RECORD',
  'MALFORMED_ID',
  'NUMBER_OUTSIDE_VALID_RANGE',
  'STRING_TOO_LONG',
  'TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET',
]);
/** Errors that may come from any value: of a validation rule without a field, a trigger or a flow. */
const FROM_ANY_VALUE = new Set([
  'CANNOT_EXECUTE_FLOW_TRIGGER',
  'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
  'FIELD_CUSTOM_VALIDATION_EXCEPTION',
  'FIELD_INTEGRITY_EXCEPTION',
  'JSON_PARSER_ERROR',
]);

/**
 * Changes how a refused record is tried next: without an assignment rule that names an inactive user, without the
 * optional fields that the error or its sentence names, or once without all that the form said.
 * @returns false where there is nothing left to try.
 */
export async function nextTry(
  tools: RetryTools,
  act: Act,
  state: TryState,
  error: ApiError,
  sent: FieldValues,
): Promise<boolean> {
  const { map, schema, notices } = tools;
  if (error.code === 'INACTIVE_OWNER_OR_USER' && act === 'create' && !state.unassigned && !('OwnerId' in sent)) {
    const user = userIn(error.message);
    notices.ownerInactive(user, 'assignment rule');
    state.unassigned = true;
    state.notes.push(
      `Created without the assignment rule: it gives the Lead to ${user ? `user ${user}, who is` : 'a user who is'} inactive. Assign it by hand.`,
    );
    return true;
  }
  if (!tools.leaveOut) return false;
  const named = error.code === 'INACTIVE_OWNER_OR_USER' ? ['OwnerId'] : error.fields;
  const refused = NAMES_FIELDS.has(error.code) ? await optionalFields(named, sent, schema) : [];
  if (refused.length > 0) {
    if (error.code === 'INACTIVE_OWNER_OR_USER')
      notices.ownerInactive(userIn(error.message) ?? String(sent['OwnerId']), 'field map');
    for (const name of refused) omit(notices, state, name, error.code);
    return true;
  }
  if (state.bare || !FROM_ANY_VALUE.has(error.code) || error.fields.some((name) => name in sent)) return false;
  const optional = await optionalFields(fieldsFromAttributes(map), sent, schema);
  const meant = await mentionedIn(error.message, optional, schema);
  // First the fields that the sentence of the rule mentions, then all that the form said.
  state.bare = meant.length === 0;
  const said = state.bare ? optional : meant;
  for (const name of said) omit(notices, state, name, error.code);
  return said.length > 0;
}

/** Fields whose API name or label is a word of the message: "Please select a state from the list". */
async function mentionedIn(message: string, names: string[], schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  const text = message.toLowerCase();
  return names.filter((name) => {
    const words = [name, described.get(name.toLowerCase())?.label ?? ''].map((word) => word.toLowerCase().trim());
    return words.some(
      (word) => word.length > 2 && new RegExp(`(?<![\\p{L}\\p{N}_])${escaped(word)}(?![\\p{L}\\p{N}_])`, 'u').test(text),
    );
  });
}

function escaped(word: string): string {
  return word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The id of the user that an error names. */
function userIn(message: string): string | null {
  return /\b005[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?\b/.exec(message)?.[0] ?? null;
}

function omit(notices: Notices, state: TryState, name: string, code: string): void {
  state.omit.add(name);
  state.notes.push(`${name} is left out: the org refuses the record with its value (${code}).`);
  notices.fieldLeftOut(name, code);
}

export function isOlderVersion({ code, message, fields }: ApiError): boolean {
  return code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' && (message.includes(OLDER_VERSION) || fields.includes(VERSION_FIELD));
}

/** The record has become another person's since it was looked at. */
export function isOthersKey({ code, message }: ApiError): boolean {
  return code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' && message.includes(OTHERS_KEY);
}

export function isGone({ code, fields }: ApiError): boolean {
  if (code === 'INVALID_CROSS_REFERENCE_KEY') return fields.length === 0 || fields.includes('Id');
  return ['ENTITY_IS_DELETED', 'CANNOT_UPDATE_CONVERTED_LEAD', 'NOT_FOUND'].includes(code);
}

export function isKeyTaken({ code, message, fields }: ApiError): boolean {
  return (
    code === 'DUPLICATE_VALUE' && (fields.includes(PERSON_KEY_FIELD) || message.includes(PERSON_KEY_FIELD) || fields.length === 0)
  );
}
