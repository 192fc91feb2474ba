import { AppError } from '../../domain/app-error.js';
import type { IntakeNote } from '../../domain/lead.js';
import { decodeBytes, decodeText, encodingOf } from './decode-text.js';

export interface ParsedForm {
  fields: Record<string, string>;
  notes: IntakeNote[];
  /** Fields with bytes that could not be decoded; filled only where the form is parsed loosely. */
  damaged: string[];
}

const ENCODE = 'Choose Form/Url as the Request Token Encoding of the webhook.';
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
const MAX_NOTES = 5;

/**
 * Parses a form (`application/x-www-form-urlencoded`). The last value of a repeated key counts. The charset also
 * applies to percent escapes, as in browsers.
 * @param loose for a stored body: an invalid percent escape is kept as text, and damaged fields are listed.
 * @throws AppError INVALID_BODY with the field and the true cause; if `loose`, only for an unknown charset.
 */
export function parseForm(bytes: Buffer, charset: string | null, loose = false): ParsedForm {
  const encoding = encodingOf(bytes, charset);
  // In an ASCII-compatible encoding the separators are bytes, so each component is decoded separately.
  const byComponent = encoding.decoder !== 'utf-8' && !encoding.decoder.startsWith('utf-16');
  const text = byComponent || loose ? bytes.toString(byComponent ? 'latin1' : 'utf8') : decodeText(bytes, charset).text;
  const notes = [...encoding.notes];
  const damaged = new Set<string>();
  const fields = new Map<string, string>();
  let last = '';
  const separator = separatorOf(text);
  if (separator.said !== null) notes.push(note('', `the fields are separated by ${separator.said} instead of "&"; read so`));
  if (separator.said === null && / \S/.test(text)) notes.push(note('', `spaces are not encoded. ${ENCODE}`));
  for (const part of text.replace(/^\?/, '').split(separator.at)) {
    const equals = part.indexOf('=');
    if (equals < 0) {
      const stray = part !== '' && last !== '' && notes.length < MAX_NOTES;
      if (stray) notes.push(note(last, `is followed by "&" and text without "="; its value may be cut. ${ENCODE}`));
      continue;
    }
    const options = { decoder: byComponent ? encoding.decoder : 'utf-8', loose };
    const key = decodeComponent(part.slice(0, equals), 'a name', options);
    const value = decodeComponent(part.slice(equals + 1), key.text, options);
    last = key.text;
    const before = fields.get(key.text) ?? '';
    const replaces = before !== '' && before !== value.text && notes.length < MAX_NOTES;
    if (replaces) notes.push(note(key.text, 'is sent twice with different values; the last one counts'));
    fields.set(key.text, value.text);
    if (key.damaged || value.damaged) damaged.add(key.text);
    else damaged.delete(key.text);
  }
  const decoded = jsonTokens(fields);
  if (decoded) notes.push(note('', `the values are encoded as JSON; read so, but for the campaign. ${ENCODE}`));
  return { fields: Object.fromEntries(decoded ?? fields), notes, damaged: [...damaged] };
}

const JSON_TEXT = /^\s*"(?:[^"\\]|\\.)*"\s*$/s;
const JSON_OTHER = /^\s*(?:-?\d+(?:\.\d+)?|true|false|null|)\s*$/;

const CAMPAIGN = /^campaign[-_ ]?id$/i;

/**
 * The values of a form whose tokens were encoded as JSON, which adds quotation marks. Only where the e-mail is such a
 * text and each other value is JSON too; null where it is not so. The campaign stays as it came: leads exist whose keys
 * are made of `"c1"` with the marks, and the next form of such a person must not become a second lead.
 */
function jsonTokens(fields: Map<string, string>): Map<string, string> | null {
  const email = [...fields].find(([key]) => /^e-?mail$/i.test(key))?.[1];
  if (email === undefined || !JSON_TEXT.test(email)) return null;
  const decoded = new Map<string, string>();
  for (const [key, value] of fields) {
    if (CAMPAIGN.test(key)) {
      decoded.set(key, value);
      continue;
    }
    if (!JSON_TEXT.test(value)) {
      if (!JSON_OTHER.test(value)) return null;
      decoded.set(key, value.trim() === 'null' ? '' : value.trim());
      continue;
    }
    try {
      decoded.set(key, JSON.parse(value) as string);
    } catch {
      return null;
    }
  }
  return decoded;
}

const FIELD = /^\s*[\w.[\]-]{1,60}=/;

/** Other separators count where the form has none of the usual ones, and each part is a field. */
function separatorOf(text: string): { at: string | RegExp; said: string | null } {
  if (!text.includes('&')) {
    const lines = text.trim().split(/\r?\n/);
    if (lines.length > 1 && lines.every((line) => FIELD.test(line))) return { at: /\r?\n/, said: 'line breaks' };
    const parts = text.trim().split(';');
    if (parts.length > 1 && parts.every((part) => FIELD.test(part))) return { at: /;\s*/, said: '";"' };
  } else if (!/&(?!amp;)/.test(text)) return { at: '&amp;', said: '"&amp;"' };
  return { at: '&', said: null };
}

function decodeComponent(
  component: string,
  field: string,
  { decoder, loose }: { decoder: string; loose: boolean },
): { text: string; damaged: boolean } {
  let escaped = component.includes('+') ? component.replaceAll('+', ' ') : component;
  const unescaped = unescapedScript(escaped);
  if (unescaped !== null) return { text: unescaped, damaged: false };
  const broken = BROKEN_ESCAPE.exec(escaped);
  if (broken) {
    if (!loose) throw brokenEscape(field, broken.index);
    escaped = escaped.replaceAll(new RegExp(BROKEN_ESCAPE, 'gi'), '%25');
  }
  try {
    if (decoder !== 'utf-8') return { text: decodeBytes(bytesOf(escaped), decoder), damaged: false };
    const text = escaped.includes('%') ? decodeURIComponent(escaped) : escaped;
    return { text, damaged: loose && text.includes('\ufffd') };
  } catch {
    if (!loose) throw notOfCharset(field, decoder);
    return { text: bytesOf(escaped).toString('utf8'), damaged: true };
  }
}

/** `J%u00FCrgen`, as escape() of browsers writes it: the other escapes are characters then, and no bytes. */
function unescapedScript(text: string): string | null {
  if (!/%u[0-9a-f]{4}/i.test(text) || /%(?!u[0-9a-f]{4}|[0-9a-f]{2})/i.test(text)) return null;
  return text.replaceAll(/%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/gi, (_, unit: string | undefined, byte: string | undefined) =>
    String.fromCharCode(Number.parseInt((unit ?? byte)!, 16)),
  );
}

/** The bytes of a component whose characters are bytes already. */
function bytesOf(escaped: string): Buffer {
  const raw = escaped.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(raw, 'latin1');
}

function brokenEscape(field: string, index: number): AppError {
  const message =
    `The form is not encoded: in "${printable(field)}", the percent sign at position ${index + 1} of the value is not followed ` +
    `by two hexadecimal digits. ${ENCODE}`;
  return new AppError('INVALID_BODY', message, {
    problems: [{ path: printable(field), message: 'has a percent sign that is not encoded' }],
  });
}

function notOfCharset(field: string, decoder: string): AppError {
  const message =
    `The percent escapes in "${printable(field)}" are not ${decoder.toUpperCase()}. Send UTF-8, or declare the charset, ` +
    'e.g. "application/x-www-form-urlencoded; charset=windows-1252".';
  return new AppError('INVALID_BODY', message, {
    problems: [{ path: printable(field), message: `is not ${decoder.toUpperCase()}` }],
  });
}

function note(path: string, message: string): IntakeNote {
  return { kind: 'encoding', path: printable(path), message };
}

function printable(field: string): string {
  return field.toWellFormed().replaceAll(/\p{C}/gu, '').slice(0, 60);
}
