import type { FieldProblem } from '../domain/app-error.js';
import { ExactNumber } from '../platform/http/exact-json.js';
import { cleanText } from './clean-text.js';
import type { IntakeNotes } from './intake-notes.js';
import { isEscapedText, withoutEntities } from './html-entities.js';
import { isName, withoutPlaceholders } from './placeholders.js';

const MAX_DEPTH = 8;
const MAX_FIELDS = 250;
const MAX_KEY_LENGTH = 200;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export interface Flattened {
  fields: Record<string, string>;
  problems: FieldProblem[];
}

/**
 * Flattens a body to one level of strings: nested keys joined with dots, arrays as JSON text, null and empty values
 * dropped. Characters that cannot be kept are replaced, unresolved tokens and placeholders are left out, and both are
 * noted. Everything that is wrong is reported, not only the first.
 */
export function flatten(body: Record<string, unknown>, notes: IntakeNotes): Flattened {
  const fields = new Map<string, string>();
  const problems: FieldProblem[] = [];
  let tooMany = false;

  const visit = (value: unknown, path: string, depth: number) => {
    if (value === null || value === undefined || value === '') return;
    if (isObject(value)) return visitObject(value, path, depth);
    const text = Array.isArray(value) ? jsonOf(value, depth) : scalarText(value);
    if (text === null) {
      problems.push(tooDeep(path));
      return;
    }
    const kept = keptText(text, path, notes);
    if (!isBlank(kept)) fields.set(path, kept);
    if (fields.size > MAX_FIELDS) tooMany = true;
  };
  const visitObject = (object: Record<string, unknown>, path: string, depth: number) => {
    if (depth >= MAX_DEPTH) {
      problems.push(tooDeep(path));
      return;
    }
    for (const [sent, value] of Object.entries(object)) {
      if (tooMany) return;
      const key = keptKey(sent, path, notes);
      // `&=x` of a form: nothing says what it is.
      if (key.trim() === '') continue;
      const problem = problemOfKey(key);
      if (problem) problems.push({ path: key.slice(0, 50), message: problem });
      else visit(value, path === '' ? key : `${path}.${key}`, depth + 1);
    }
  };

  visitObject(body, '', 0);
  if (tooMany) problems.push({ path: '', message: `more than ${MAX_FIELDS} fields` });
  return { fields: Object.fromEntries(fields), problems };
}

/** Also of characters that show as nothing. */
export function isBlank(text: string): boolean {
  return !VISIBLE.test(text) && text.replaceAll(INVISIBLE, '').trim() === '';
}

/** Most texts have one; the properties of Unicode take longer. */
const VISIBLE = /[!-~]/;
const NOT_ASCII = /[^\0-\x7f]/;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
/** Umlauts and typographic signs as UTF-8 that was read as Windows-1252: `JÃ¼rgen`, `Itâ€™s`. */
const READ_TWICE = /[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¦]/;

/** A text that may be optional: without what cannot be kept, and noted. Empty where nothing is left. */
export function keptText(text: string, path: string, notes: IntakeNotes): string {
  const clean = cleanText(text);
  if (clean) notes.add('character', path, `has ${clean.found}, which cannot be kept; replaced by U+FFFD`);
  if (NOT_ASCII.test(text) && READ_TWICE.test(text)) {
    notes.add('encoding', path, 'looks like UTF-8 that the sender read as Windows-1252; kept as it came');
  }
  if (isEncoded(text)) {
    notes.add('encoding', path, 'looks like a value that the sender encoded twice; kept as it came');
  }
  if (ROUNDED.test(text)) notes.add('encoding', path, 'is a number that a spreadsheet rounded; kept as it came');
  const kept = clean?.text ?? text;
  const readable = isName(path)
    ? readableName(kept, path, notes)
    : kept.includes('&') && (LABEL.test(path) || isEscapedText(kept))
      ? decodedText(kept, path, notes)
      : kept;
  if (readable === '') return '';
  const resolved = withoutPlaceholders(readable, path);
  if (!resolved) return readable;
  const { kind, quoted } = resolved.removed;
  const what = kind === 'token' ? `the token ${quoted} was not replaced by the sender` : `"${quoted}" is a placeholder`;
  notes.add(kind, path, `${what}; left out`);
  return resolved.text;
}

/** `4.93E+11`: the last digits of a phone or an id are gone. */
const ROUNDED = /^\s*-?\d[.,]\d+[eE]\+1\d\s*$/;

const ESCAPE = /%[2-9a-f][0-9a-f]/i;
const SPACE_OR_ADDRESS = /[\s/?&]/;
const SCHEME = /^\w+:/;

/**
 * Whether a text has the escapes of a form, no spaces, and is no address of a page. Each pattern is tried by itself:
 * one for all takes a second for a long text of escapes.
 */
function isEncoded(text: string): boolean {
  if (!ESCAPE.test(text) || SPACE_OR_ADDRESS.test(text) || SCHEME.test(text)) return false;
  try {
    return decodeURIComponent(text) !== text;
  } catch {
    return false;
  }
}

/** Marks that show as nothing and turn the text around them, or join words: a name has none. */
const MARKS = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** What describes a person in a few words. Elsewhere a text may be about HTML, unless all of it is escaped. */
const LABEL =
  /(?:^|\.)[-_ ]*(?:(?:job[-_ ]?)?title|(?:job[-_ ]?)?role|department|industry|city|state|region|province|country|street|address)[-_ ]*$/i;

/** The name of a person or a company without HTML entities and invisible marks: sales reads it, rules match by it. */
function readableName(text: string, path: string, notes: IntakeNotes): string {
  const decoded = decodedText(text, path, notes);
  const visible = decoded.replaceAll(MARKS, '');
  if (visible !== decoded) notes.add('character', path, 'had characters that show as nothing; removed');
  return visible;
}

function decodedText(text: string, path: string, notes: IntakeNotes): string {
  const decoded = withoutEntities(text);
  if (decoded !== text) notes.add('encoding', path, 'had HTML entities; decoded');
  return decoded;
}

function keptKey(key: string, path: string, notes: IntakeNotes): string {
  const clean = cleanText(key);
  if (!clean) return key;
  notes.add('character', path, `a field name has ${clean.found}, which cannot be kept; dropped`);
  return clean.text.replaceAll('\ufffd', '');
}

/** A number, text or truth value as the text that is kept. */
export function scalarText(value: unknown): string {
  return value instanceof ExactNumber ? value.digits : String(value);
}

/** JSON text with the digits that were sent; null where it is nested too deeply. */
function jsonOf(value: unknown, depth: number): string | null {
  if (value instanceof ExactNumber) return value.digits;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (depth > MAX_DEPTH) return null;
  const isArray = Array.isArray(value);
  const parts: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    const text = jsonOf(item, depth + 1);
    if (text === null) return null;
    parts.push(isArray ? text : `${JSON.stringify(key)}:${text}`);
  }
  return isArray ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

function tooDeep(path: string): FieldProblem {
  return { path, message: `is nested more than ${MAX_DEPTH} levels deep` };
}

function problemOfKey(key: string): string | null {
  if (FORBIDDEN_KEYS.has(key)) return 'is a name that a field cannot have';
  if (key.length > MAX_KEY_LENGTH) return `has a name longer than ${MAX_KEY_LENGTH} characters`;
  return null;
}
