import { recordError, RequestRefused, type RecordError } from './errors.js';
import { isId, to18 } from './ids.js';
import type { FieldSpec } from './schema.js';

/** Addresses that Salesforce accepts: ASCII only, also before the @ (help.salesforce.com, "Valid email addresses"). */
const EMAIL =
  /^[A-Za-z0-9!#$%&'*/=?^_+\-`{|}~]+(\.[A-Za-z0-9!#$%&'*/=?^_+\-`{|}~]+)*\.?@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;

/** A value of the wrong JSON type fails the whole call before any record is processed. */
function notA(type: string, value: unknown): RequestRefused {
  const token = typeof value === 'string' ? 'VALUE_STRING' : typeof value === 'object' ? 'START_OBJECT' : 'VALUE_NUMBER';
  return new RequestRefused(
    400,
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${type} from ${token} value ${String(value)} or request may be missing a required field at [line:1, column:1]`,
  );
}

/** Salesforce stores date-times with a precision of seconds. */
export const toDateTime = (time: number): string =>
  `${new Date(Math.floor(time / 1000) * 1000).toISOString().slice(0, 19)}.000+0000`;

/**
 * A value as it is stored: text is trimmed, and empty text becomes null.
 * @throws RequestRefused JSON_PARSER_ERROR where it has the wrong JSON type.
 */
export function coerce(spec: FieldSpec, raw: unknown): unknown {
  if (raw === null || raw === undefined || raw === '') return null;
  switch (spec.type) {
    case 'double':
    case 'int': {
      const value = typeof raw === 'string' ? Number(raw.trim() || NaN) : raw;
      if (typeof value !== 'number' || !Number.isFinite(value)) throw notA(spec.type, raw);
      return Number(value.toFixed(spec.scale));
    }
    case 'boolean':
      if (raw === true || raw === 'true') return true;
      if (raw === false || raw === 'false') return false;
      throw notA('boolean', raw);
    case 'datetime': {
      const time = typeof raw === 'string' && /^\d{4}-\d\d-\d\dT/.test(raw) ? Date.parse(raw) : NaN;
      if (Number.isNaN(time)) throw notA('datetime', raw);
      return toDateTime(time);
    }
    case 'date':
      if (typeof raw !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(raw) || Number.isNaN(Date.parse(raw))) throw notA('date', raw);
      return raw;
    default: {
      if (typeof raw === 'object') throw notA(spec.type, raw);
      const value = String(raw).trim();
      if (value === '') return null;
      return (spec.type === 'reference' || spec.type === 'id') && isId(value) ? to18(value) : value;
    }
  }
}

/** The error of a stored value in Salesforce's words; null where it is valid. */
export function faultIn(spec: FieldSpec, value: unknown): RecordError | null {
  if (value === null) return null;
  const { name, label } = spec;
  if (spec.type === 'reference' && !isId(value))
    return recordError('MALFORMED_ID', `${label}: id value of incorrect type: ${String(value)}`, [name]);
  if (spec.type === 'email' && !EMAIL.test(String(value)))
    return recordError('INVALID_EMAIL_ADDRESS', `${label}: invalid email address: ${String(value)}`, [name]);
  if (spec.restrictedPicklist && !spec.picklist.includes(String(value)))
    return recordError(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      `${label}: bad value for restricted picklist field: ${String(value)}`,
      [name],
    );
  if (typeof value === 'number' && Math.abs(value) >= 10 ** (spec.precision - spec.scale))
    return recordError('NUMBER_OUTSIDE_VALID_RANGE', `${label}: value outside of valid range on numeric field: ${value}`, [name]);
  if (typeof value === 'string' && spec.length > 0 && value.length > spec.length)
    return recordError('STRING_TOO_LONG', `${label}: data value too large: ${value} (max length=${spec.length})`, [name]);
  return null;
}
