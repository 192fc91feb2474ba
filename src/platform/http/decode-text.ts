import { isUtf8 } from 'node:buffer';
import type { IntakeNote } from '../../domain/lead.js';
import { AppError } from '../../domain/app-error.js';

export interface DecodedText {
  text: string;
  notes: IntakeNote[];
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Windows-1252 from 0x80 to 0x9F. TextDecoder of Node 20 to 23 decodes these as ISO-8859-1 (nodejs/node#56542). */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/**
 * Decodes bytes to text. A byte-order mark takes precedence over the header. Without either the text must be UTF-8: a
 * guessed character would be wrong data in the CRM, and in an e-mail address a different lead.
 * @param charset of the Content-Type, as sent; null where there is none.
 * @throws AppError INVALID_BODY with the position and the true cause.
 */
export function decodeText(bytes: Buffer, charset: string | null): DecodedText {
  const encoding = encodingOf(bytes, charset);
  if (encoding.decoder === 'utf-8') {
    const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const body = start === 0 ? bytes : bytes.subarray(start);
    if (isUtf8(body)) return { text: body.toString('utf8'), notes: encoding.notes };
    const whole = withoutCutEmojis(body);
    if (whole === null) throw notUtf8(body, charset);
    return { text: whole, notes: [...encoding.notes, CUT_EMOJI] };
  }
  return { text: decodeBytes(bytes, encoding.decoder), notes: encoding.notes };
}

/** Decodes bytes of one encoding. @throws AppError INVALID_BODY where the bytes are invalid in it. */
export function decodeBytes(bytes: Buffer, encoding: string): string {
  if (encoding === 'windows-1252')
    return bytes.toString('latin1').replaceAll(/[\x80-\x9f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80]!);
  try {
    return encoding === 'utf-8' ? UTF8.decode(bytes) : new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new AppError('INVALID_BODY', `The body is not ${encoding} text, as its Content-Type says. ${SEND_UTF8}`);
  }
}

/** Decodes bytes and replaces damaged ones by U+FFFD. For display only, never for a lead. */
export function decodeLoosely(bytes: Buffer, charset: string | null): string {
  try {
    return decodeText(bytes, charset).text;
  } catch (error) {
    if (error instanceof AppError) return bytes.toString('utf8');
    throw error;
  }
}

/**
 * The first bytes of an emoji whose end is missing, or half of a surrogate pair in three bytes. No other encoding
 * produces these.
 */
const CUT = /\xf0\x9f[\x80-\xbf]?(?![\x80-\xbf])|\xed[\xa0-\xbf][\x80-\xbf]/g;
const CUT_EMOJI: IntakeNote = {
  kind: 'character',
  path: '',
  message: 'a character was cut off, as senders do at the end of a long text; replaced by U+FFFD',
};

/** @returns null where other bytes are invalid too. */
function withoutCutEmojis(bytes: Buffer): string | null {
  const raw = bytes.toString('latin1');
  const replaced = Buffer.from(raw.replaceAll(CUT, '\xef\xbf\xbd'), 'latin1');
  return isUtf8(replaced) ? replaced.toString('utf8') : null;
}

const SEND_UTF8 = "Send UTF-8: set the webhook's request encoding to UTF-8.";

/** The encoding for the bytes, by its TextDecoder name. */
export function encodingOf(bytes: Buffer, charset: string | null): { decoder: string; notes: IntakeNote[] } {
  const marked = byteOrderMark(bytes);
  if (marked) return { decoder: marked, notes: [] };
  const declared = charset === null ? null : nameOf(charset);
  if (declared === 'utf-8') return { decoder: 'utf-8', notes: [] };
  const wide = wideWithoutMark(bytes);
  if (declared === null) {
    if (charset !== null && (NOT_ASCII.test(charset) || !isAscii(bytes))) throw unknownCharset(charset);
    return { decoder: wide ?? 'utf-8', notes: [] };
  }
  if (declared.startsWith('utf-16')) return wide ? { decoder: wide, notes: [] } : utf8After(charset!);
  if (declared === 'us-ascii') return isAscii(bytes) ? { decoder: 'utf-8', notes: [] } : utf8After(charset!);
  // Such text that happens to be valid UTF-8 with accents would read "Ã¼", so the header is wrong.
  if (SINGLE_BYTE.test(declared) && isUtf8(bytes)) return isAscii(bytes) ? { decoder: declared, notes: [] } : utf8After(charset!);
  return { decoder: declared, notes: [] };
}

const SINGLE_BYTE = /^(?:windows-|iso-8859-|macintosh|koi8)/;

function utf8After(charset: string): { decoder: string; notes: IntakeNote[] } {
  const message = `the Content-Type says ${charset.slice(0, 40)}, the bytes are UTF-8; they were read as UTF-8`;
  return { decoder: 'utf-8', notes: [{ kind: 'encoding', path: '', message }] };
}

/** @returns null for an unknown name. */
function nameOf(charset: string): string | null {
  const label = charset.replaceAll(/^[\s']+|[\s']+$/g, '').toLowerCase();
  if (label === 'us-ascii' || label === 'ascii') return 'us-ascii';
  if (label === 'utf8mb4') return 'utf-8';
  const found = [label, label.replace(/^iso[-_]?8859[-_]?(?=\d)/, 'iso-8859-').replaceAll('_', '-')].flatMap((name) => {
    try {
      return [new TextDecoder(name).encoding];
    } catch {
      return [];
    }
  });
  return found[0] ?? null;
}

/** Encodings that no TextDecoder has, and whose ASCII bytes stand for other characters. */
const NOT_ASCII = /^'?(?:utf-?7|unicode-1-1-utf-7|hz-gb|iso-2022-(?:kr|cn)|ebcdic|ibm-?\d|cp-?(?:037|500|1047))/i;

function byteOrderMark(bytes: Buffer): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) throw unknownCharset('UTF-32');
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0xef && b === 0xbb && c === 0xbf ? 'utf-8' : null;
}

/**
 * JSON and forms start with two ASCII characters, so the position of the zero byte shows the byte order (RFC 4627,
 * section 3).
 */
function wideWithoutMark(bytes: Buffer): string | null {
  if (bytes.length < 4 || bytes.length % 2 !== 0) return null;
  if (bytes[0] !== 0 && bytes[1] === 0 && bytes[3] === 0) return 'utf-16le';
  if (bytes[0] === 0 && bytes[1] !== 0 && bytes[2] === 0) return 'utf-16be';
  return null;
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function unknownCharset(charset: string): AppError {
  const message = `The Content-Type declares the charset ${charset.slice(0, 40)}, which this service does not know. ${SEND_UTF8}`;
  return new AppError('INVALID_BODY', message);
}

function notUtf8(bytes: Buffer, charset: string | null): AppError {
  const at = firstInvalid(bytes);
  const before = bytes.subarray(0, at).toString('utf8').split('\n');
  const place = `line ${before.length}, column ${[...before.at(-1)!].length + 1}`;
  const byte = bytes[at]!.toString(16).toUpperCase().padStart(2, '0');
  const advice = charset
    ? 'The Content-Type says that it is'
    : 'It looks like Latin-1 or Windows-1252. Declare it, e.g. "application/json; charset=windows-1252", or send UTF-8';
  return new AppError('INVALID_BODY', `The body is not UTF-8 text: byte ${byte} at ${place}. ${advice}.`);
}

/** Binary search: a prefix is valid if only its last character is incomplete. */
function firstInvalid(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isValidPrefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The next byte may be part of the prefix's last character, so the error starts up to three bytes earlier.
  for (let start = good; start >= Math.max(0, good - 3); start--) if (isUtf8(bytes.subarray(0, start))) return start;
  return good;
}

function isValidPrefix(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
