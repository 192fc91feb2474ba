import { AppError } from '../../domain/app-error.js';
import type { IntakeNote } from '../../domain/lead.js';
import { isFormType, isJsonType, readContentType } from './content-type.js';
import { decodeLoosely, decodeText } from './decode-text.js';
import { parseForm } from './parse-form.js';
import { parseJson } from './parse-json.js';
import { repeatedKeyNotes } from './repeated-keys.js';

export interface ParsedBody {
  value: unknown;
  notes: IntakeNote[];
}

/**
 * Parses a body by its Content-Type, with the charset that it declares.
 * @throws AppError INVALID_BODY with the true cause; UNSUPPORTED_MEDIA_TYPE where the type is neither JSON nor a form.
 */
export function parseBody(body: Buffer, contentTypeHeader: string | undefined): ParsedBody {
  const { type, charset } = readContentType(contentTypeHeader);
  if (isJsonType(type)) {
    const { text, notes } = decodeText(body, charset);
    if (text.trim() === '') throw emptyBody();
    return { value: parseJson(text), notes: [...notes, ...repeatedKeyNotes(text)] };
  }
  if (!isFormType(type)) throw unsupportedType(type);
  if (body.length === 0) throw emptyBody();
  const { fields, notes } = parseForm(body, charset);
  return { value: fields, notes };
}

/**
 * Parses the body of a webhook, whose template may declare a wrong Content-Type or none. A body that is clearly one
 * JSON object or one form is parsed as such.
 */
export function parseWebhookBody(body: Buffer, contentTypeHeader: string | undefined): ParsedBody {
  const { type, charset } = readContentType(contentTypeHeader);
  if (body.length === 0) throw emptyBody();
  const first = body[0]!;
  // The usual case: no inspection of the text is needed.
  if (isJsonType(type) ? first === OPENING_BRACE : isFormType(type) && isLetter(first)) return parseBody(body, contentTypeHeader);
  requireText(body);
  const escaped = escapedJson(body);
  if (escaped !== null) return { value: parseJson(escaped), notes: [ESCAPED_JSON] };
  const shape = shapeOf(body, charset);
  if (shape === 'other' && !isJsonType(type) && !isFormType(type)) throw unsupportedType(type);
  if (shape === 'form' ? isFormType(type) : shape === 'other' || isJsonType(type)) return parseBody(body, contentTypeHeader);
  const suffix = charset === null ? '' : `;charset=${charset}`;
  const parsed = parseBody(body, `${shape === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'}${suffix}`);
  const said = type === '' ? 'no Content-Type was sent' : `the Content-Type says ${type.slice(0, 80)}`;
  const message = `${said}; the body was read as ${shape === 'json' ? 'JSON' : 'a form'}`;
  return { ...parsed, notes: [...parsed.notes, { kind: 'encoding', path: '', message }] };
}

const OPENING_BRACE = 0x7b;
const ESCAPED_JSON: IntakeNote = {
  kind: 'encoding',
  path: '',
  message: 'the body was JSON in percent escapes, as a form without field names; read as JSON',
};

/** A client that encodes a JSON text as a form makes one key of it: `%7B%22email%22…%7D=`. */
function escapedJson(body: Buffer): string | null {
  if (body[0] !== 0x25 || !/^%7b/i.test(body.toString('latin1', 0, 3))) return null;
  try {
    return decodeURIComponent(body.toString('latin1').trim().replace(/=$/, '').replaceAll('+', ' '));
  } catch {
    return null;
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

const LIKE_A_FORM = /^[^\s=&<{"]{1,200}=[^\r\n]*$/;
const HAS_AN_EMAIL = /(?:^|&)e-?mail=/i;

/** The kind of a body by its first characters, independent of its header. */
export function shapeOf(body: Buffer, charset: string | null, loose = false): 'json' | 'form' | 'other' {
  const first = body[0]!;
  if (first === OPENING_BRACE) return 'json';
  // All form encodings are ASCII-compatible, or start with a byte-order mark or zero byte.
  const wide = first === 0 || first >= 0xef || body[1] === 0;
  const decode = loose ? decodeLoosely : (bytes: Buffer, name: string | null) => decodeText(bytes, name).text;
  const text = wide ? decode(body, charset) : body.toString('latin1');
  const trimmed = text.trimStart();
  if (trimmed.startsWith('{')) return 'json';
  return LIKE_A_FORM.test(trimmed.trimEnd()) && HAS_AN_EMAIL.test(trimmed) ? 'form' : 'other';
}

function emptyBody(): AppError {
  return new AppError('INVALID_BODY', 'The body is empty. Compare the template with docs/marketo.md.');
}

const HINTS: [RegExp, string][] = [
  [/^multipart\//, ' A multipart form is not read on arrival; a replay of the kept request reads its fields.'],
  [/xml$/, ' XML is not read.'],
];

/** First bytes of formats that a webhook is wrapped in by mistake. */
const FORMATS: [bytes: number[], name: string][] = [
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed with zstd'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP file'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'compressed with xz'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF file'],
];

/** @throws AppError UNSUPPORTED_MEDIA_TYPE where the body is of a format that no encoding of text has. */
export function requireText(body: Buffer): void {
  const name = FORMATS.find(([bytes]) => bytes.every((byte, index) => body[index] === byte))?.[1];
  if (name === undefined) return;
  const message = `The body is ${name}. No lead was stored. Send JSON or a form, without compression or with gzip, deflate or br.`;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', message);
}

export function unsupportedType(type: string): AppError {
  const sent = type === '' ? 'There is no Content-Type' : `The Content-Type is ${type.slice(0, 80)}`;
  const hint = HINTS.find(([pattern]) => pattern.test(type))?.[1] ?? '';
  return new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    `${sent}, and the body is neither one JSON object nor one form.${hint} No lead was stored. Set the header ` +
      'Content-Type to application/json or application/x-www-form-urlencoded.',
  );
}
