import { AppError } from '../../domain/app-error.js';
import { isSetting, isUnlisted, type ApiError } from './api-error.js';
import { escapePattern } from './escape-pattern.js';
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

/** Errors about a record that a lookup field names. They often do not say which field. */
const ABOUT_A_LOOKUP = new Set([
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  'INVALID_CROSS_REFERENCE_KEY',
  'MALFORMED_ID',
  'OP_WITH_INVALID_USER_TYPE_EXCEPTION',
]);
/** Errors that may come from any value: of a validation rule without a field, a trigger or a flow. */
const FROM_ANY_VALUE = new Set([
  'CANNOT_EXECUTE_FLOW_TRIGGER',
  'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
  'FIELD_CUSTOM_VALIDATION_EXCEPTION',
  'FIELD_INTEGRITY_EXCEPTION',
  'JSON_PARSER_ERROR',
]);

/** Also a code that this service does not know: one more call shows whether a value is its cause. */
export function mayBeAnyValue(error: ApiError): boolean {
  return FROM_ANY_VALUE.has(error.code) || isUnlisted(error);
}

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
  if (OWNER_ERRORS.has(error.code) && act === 'create' && !state.unassigned && !('OwnerId' in sent)) {
    const user = userIn(error.message);
    notices.ownerInactive(user, 'assignment rule');
    state.unassigned = true;
    const why = error.code === 'INACTIVE_OWNER_OR_USER' ? 'is inactive' : 'may not read it';
    state.notes.push(
      `Created without the assignment rule: it gives the Lead to ${user ? `user ${user}, who` : 'a user who'} ${why}. Assign it by hand.`,
    );
    return true;
  }
  if (!tools.leaveOut) return false;
  const inactive = error.code === 'INACTIVE_OWNER_OR_USER';
  const named = inactive ? ['OwnerId'] : await fieldsNamedBy(error, sent, schema);
  const refused = isSetting(error) ? [] : await optionalFields(named, sent, schema);
  if (refused.length > 0) {
    if (inactive) notices.ownerInactive(userIn(error.message) ?? String(sent['OwnerId']), 'field map');
    for (const name of refused) omit(notices, state, name, error.code);
    return true;
  }
  const aboutLookup = ABOUT_A_LOOKUP.has(error.code);
  if ((state.bare && !aboutLookup) || !(aboutLookup || mayBeAnyValue(error)) || named.length > 0) return false;
  const candidates = aboutLookup ? await lookupsIn(sent, schema) : fieldsFromAttributes(map);
  const optional = await optionalFields(candidates, sent, schema);
  const meant = await mentionedIn(error.message, optional, schema);
  // First the fields that the sentence of the rule mentions, then all that the form said.
  if (!aboutLookup) state.bare = meant.length === 0;
  const said = meant.length > 0 ? meant : optional;
  for (const name of said) omit(notices, state, name, error.code);
  return said.length > 0;
}

/**
 * The fields that were sent and that an error names: by API name, by label, by the code that belongs to a state or a
 * country (`StateCode` for `State`, or the other way round), or, for a unique field, in its sentence only.
 */
async function fieldsNamedBy(error: ApiError, sent: FieldValues, schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  if (error.code === 'DUPLICATE_VALUE') {
    const names = namesIn(error.message, Object.keys(sent));
    // "<unknown> duplicates value on record with id: <unknown>"
    return names.length > 0 ? names : Object.keys(sent).filter((name) => described.get(name.toLowerCase())?.unique);
  }
  if (error.fields.length === 0) return [];
  const named = new Set(error.fields.map((name) => name.trim().toLowerCase()));
  return Object.keys(sent).filter((name) => {
    const lower = name.toLowerCase();
    const label = described.get(lower)?.label.trim().toLowerCase();
    return (
      named.has(lower) ||
      named.has(`${lower}code`) ||
      named.has(lower.replace(/code$/, '')) ||
      (label !== undefined && label !== '' && named.has(label))
    );
  });
}

/** "duplicate value found: Email_2__c duplicates value on record with id: …", in any language. */
export function namesIn(message: string, names: string[]): string[] {
  const words = new Set(message.toLowerCase().split(/[^\p{L}\p{N}_]+/u));
  return names.filter((name) => words.has(name.toLowerCase()));
}

async function lookupsIn(sent: FieldValues, schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  return Object.keys(sent).filter((name) => described.get(name.toLowerCase())?.type === 'reference');
}

/** Fields whose API name or label is a word of the message: "Please select a state from the list". */
async function mentionedIn(message: string, names: string[], schema: OrgSchema): Promise<string[]> {
  const described = await schema.describe();
  const text = message.toLowerCase();
  return names.filter((name) => {
    const words = [name, described.get(name.toLowerCase())?.label ?? ''].map((word) => word.toLowerCase().trim());
    return words.some(
      (word) => word.length > 2 && new RegExp(`(?<![\\p{L}\\p{N}_])${escapePattern(word)}(?![\\p{L}\\p{N}_])`, 'u').test(text),
    );
  });
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

/** The error of the last try, with the fields that it was tried without: one of them may be required. */
export function withLeftOut(last: AppError, { fields }: ApiError, omitted: Set<string>): AppError {
  if (omitted.size === 0) return last;
  const message = `${last.message} Left out before, since their values were refused: ${[...omitted].join(', ')}.`;
  const { code, answer, sent, signature, cause } = last;
  const isOwn = signature === undefined || fields.some((name) => omitted.has(name));
  return new AppError(code, message, {
    cause,
    ...(answer === undefined ? {} : { answer }),
    ...(sent === undefined ? {} : { sent }),
    ...(isOwn ? {} : { signature }),
  });
}

export function isOlderVersion({ code, message, fields }: ApiError): boolean {
  return code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' && (message.includes(OLDER_VERSION) || fields.includes(VERSION_FIELD));
}

/** The record has become another person's since it was looked at. */
export function isOthersKey({ code, message }: ApiError): boolean {
  return code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' && message.includes(OTHERS_KEY);
}

/** Errors that are about the owner even where they name no field. */
const OWNER_ERRORS = new Set(['INACTIVE_OWNER_OR_USER', 'TRANSFER_REQUIRES_READ']);
const OWNER_FIELD_ERRORS = new Set([
  'FIELD_INTEGRITY_EXCEPTION',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  'INVALID_CROSS_REFERENCE_KEY',
  'INVALID_OPERATION',
  'MALFORMED_ID',
]);

/** The org refuses a new Lead for its owner: inactive, without access, of another org, no such queue. */
export function isOwnerRefused({ code, message, fields }: ApiError, ownerId: string): boolean {
  if (OWNER_ERRORS.has(code)) {
    const user = userIn(message);
    return user === null || user.slice(0, 15) === ownerId.slice(0, 15);
  }
  return OWNER_FIELD_ERRORS.has(code) && (fields.includes('OwnerId') || /\bowner|OwnerId|\bqueue\b/iu.test(message));
}

export function isGone({ code, fields }: ApiError): boolean {
  if (code === 'INVALID_CROSS_REFERENCE_KEY') return fields.length === 0 || fields.includes('Id');
  return ['ENTITY_IS_DELETED', 'CANNOT_UPDATE_CONVERTED_LEAD', 'NOT_FOUND'].includes(code);
}

/** Another record has the person's key; or a value of another unique field, where the error names one that was sent. */
export function isKeyTaken({ code, message, fields }: ApiError, sent: FieldValues): boolean {
  if (code !== 'DUPLICATE_VALUE') return false;
  if (fields.includes(PERSON_KEY_FIELD) || message.includes(PERSON_KEY_FIELD)) return true;
  return fields.length === 0 && namesIn(message, Object.keys(sent)).length === 0;
}
