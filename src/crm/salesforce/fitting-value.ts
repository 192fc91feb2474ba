import { cutBetweenCharacters } from './cut-text.js';
import type { FieldValue } from './field-map.js';
import { checkboxOf } from './read-checkbox.js';
import { calendarDayOf, instantOf } from './read-date.js';
import { numberOf } from './read-number.js';
import { to18 } from './record-id.js';

export const NUMBER_TYPES = new Set(['int', 'long', 'double', 'currency', 'percent']);
export const TEXT_TYPES = new Set(['string', 'textarea']);
/** A part of such a value is another value: another number, a broken link, another choice, another secret. */
const WHOLE_OR_NOTHING = new Set(['phone', 'url', 'picklist', 'multipicklist', 'combobox', 'encryptedstring']);
const RECORD_ID = /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/;
const INT_AT_MOST = 2 ** 31 - 1;

/** What of an org's field decides which values it holds. */
export interface FieldKind {
  type: string;
  length: number;
  picklistValues: { value: string; label?: string | null; active?: boolean }[];
  /** A text area whose text is HTML. */
  htmlFormatted?: boolean;
  extraTypeInfo?: string | null;
}

/** A value as its field can hold it; null where it cannot be read so: Salesforce would refuse the whole call for it. */
export function fittingValue(value: FieldValue, field: FieldKind): FieldValue | null {
  const { type, length } = field;
  if (NUMBER_TYPES.has(type)) return fittingNumber(value, type);
  if (type === 'boolean') return typeof value === 'boolean' ? value : checkboxOf(String(value));
  if (typeof value !== 'string') return TEXT_TYPES.has(type) ? String(value) : value;
  if (type === 'date') return calendarDayOf(value);
  if (type === 'datetime') return instantOf(value);
  if (type === 'time') return timeOfDay(value);
  // Salesforce refuses the whole call for a text that is no id.
  if (type === 'reference') return RECORD_ID.test(value) ? to18(value) : null;
  if (isRichText(field)) return htmlOf(value, length);
  const chosen = type === 'multipicklist' ? choicesOf(value, field) : type === 'picklist' ? choiceOf(value, field) : value;
  if (length === 0 || chosen.length <= length) return chosen;
  if (WHOLE_OR_NOTHING.has(type)) return null;
  // A cut address is another address: that record fails, and says why.
  return TEXT_TYPES.has(type) ? cutBetweenCharacters(chosen, length) : chosen;
}

/** A field of the type int has no decimals and 32 bits. */
function fittingNumber(value: FieldValue, type: string): number | null {
  if (typeof value === 'boolean') return null;
  const whole = type === 'int' || type === 'long';
  const number = typeof value === 'number' ? value : numberOf(value, whole);
  if (number === null || !Number.isFinite(number) || (whole && !Number.isInteger(number))) return null;
  return type === 'int' && Math.abs(number) > INT_AT_MOST ? null : number;
}

const TIME_OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d{1,3})?)?Z?$/;

function timeOfDay(text: string): string | null {
  const [, hours, minutes, seconds = '00', fraction = '.000'] = TIME_OF_DAY.exec(text.trim()) ?? [];
  return hours === undefined ? null : `${hours.padStart(2, '0')}:${minutes}:${seconds}${fraction.padEnd(4, '0')}Z`;
}

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '<br>' };

function isRichText({ type, htmlFormatted, extraTypeInfo }: FieldKind): boolean {
  return type === 'textarea' && (htmlFormatted === true || extraTypeInfo === 'richtextarea');
}

/** Whether a text was too long for its field. */
export function isCut(value: FieldValue, fitting: FieldValue, field: FieldKind): boolean {
  if (!TEXT_TYPES.has(field.type)) return false;
  return String(fitting) !== (isRichText(field) ? htmlOf(String(value), 0) : String(value));
}

/** What a person typed, as HTML: `<` would begin a tag, and a line break would be a space. */
function htmlOf(text: string, length: number): string {
  const escaped = (plain: string) => plain.replaceAll(/\r\n?|[&<>"\n]/g, (sign) => HTML[sign] ?? '<br>');
  if (length === 0) return escaped(text);
  let part = cutBetweenCharacters(text, length);
  while (escaped(part).length > length)
    part = cutBetweenCharacters(part, part.length - Math.ceil((escaped(part).length - length) / 6));
  return escaped(part);
}

/**
 * The org's own value of a choice: an unrestricted picklist would get a second entry. Forms send what people see, which
 * may be the label. A value that the org has deactivated counts only where no other is meant.
 */
function choiceOf(text: string, { picklistValues }: FieldKind): string {
  const trimmed = text.trim();
  const active = picklistValues.filter((choice) => choice.active !== false);
  if (active.some(({ value }) => value === trimmed)) return trimmed;
  const wanted = trimmed.toLowerCase();
  const alike = active.filter(({ value }) => value.toLowerCase() === wanted);
  const meant = alike.length > 0 ? alike : active.filter(({ label }) => label?.trim().toLowerCase() === wanted);
  return meant.length === 1 ? meant[0]!.value : text;
}

/**
 * Salesforce separates choices by semicolons. Forms also send them as a JSON list; and with other separators, which
 * count only where each part is a choice of the org.
 */
function choicesOf(text: string, field: FieldKind): string {
  const known = new Set(field.picklistValues.map(({ value }) => value));
  const parts = (listed: string[]) => listed.map((part) => choiceOf(part.trim(), field)).filter((part) => part !== '');
  const joined = (listed: string[]) => [...new Set(parts(listed))].join(';');
  const list = listIn(text);
  if (list) return joined(list);
  if (text.includes(';')) return joined(text.split(';'));
  const whole = choiceOf(text, field);
  if (known.has(whole)) return whole;
  const separated = text.split(/[,|\n]/);
  return separated.length > 1 && parts(separated).every((part) => known.has(part)) ? joined(separated) : whole;
}

/** A list of texts without the separator in them. */
function listIn(text: string): string[] | null {
  if (!/^\s*\[/.test(text)) return null;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === 'string' && !item.includes(';'))
      ? (list as string[])
      : null;
  } catch {
    return null;
  }
}
