import { AppError } from '../../domain/app-error.js';
import type { IntakeNote } from '../../domain/lead.js';
import { isFormType, isJsonType, readContentType } from './content-type.js';
import { decodeLoosely, decodeText } from './decode-text.js';
import { parseForm } from './parse-form.js';
import { parseJsonRepaired } from './parse-json.js';
import { requireText, shapeOf, unsupportedType } from './parse-body.js';
import { isMultipart, parseMultipart } from './parse-multipart.js';
import { gunzipKept } from './read-body.js';
import { unwrapBody } from './unwrap-body.js';

export interface KeptBody {
  contentType: string;
  body: Buffer;
}

interface Options {
  charset: string | undefined;
  /** Fields that will be replaced, so damage in them does not matter. */
  replaced: string[];
}

/**
 * Reads the fields of a refused request that was stored. It accepts more than on arrival, because an operator asked for
 * it. Faults with exactly one correction are corrected, and intact fields survive next to a damaged one. A damaged
 * field is refused unless it is replaced, so that no replacement character reaches the ledger.
 * @throws AppError INVALID_BODY with the true cause, UNSUPPORTED_MEDIA_TYPE
 */
export function readKeptBody(
  { contentType, body }: KeptBody,
  { charset, replaced }: Options,
): { fields: Record<string, unknown>; notes: IntakeNote[] } {
  const bytes = gunzipKept(body);
  const declared = readContentType(contentType);
  const effective = charset ?? declared.charset;
  requireText(bytes);
  const shape = shapeOf(bytes, effective, true);
  if (shape === 'form' || (shape === 'other' && isFormType(declared.type))) {
    const form = parseForm(bytes, effective, true);
    requireIntact(form.damaged, replaced);
    return { fields: unwrapped(form.fields), notes: withRepair(form.notes, /%(?![0-9a-f]{2})/i.test(bytes.toString('latin1'))) };
  }
  if (isMultipart(declared.type) && shape === 'other') return multipartOf(bytes, effective, replaced);
  if (shape === 'other' && !isJsonType(declared.type)) throw unsupportedType(declared.type);
  const { text, notes, damaged } = textOf(bytes, effective);
  const parsed = parseJsonRepaired(text);
  const { repaired } = parsed;
  const value = unwrapBody(parsed.value).body;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('INVALID_BODY', 'The body is not one JSON object.');
  }
  const sent = value as Record<string, unknown>;
  const fields = withoutFormEncoding(sent);
  if (damaged) requireIntact(damagedFields(fields), replaced);
  return { fields, notes: withRepair(notes, repaired || fields !== sent) };
}

/** A form may hold the lead as JSON in its only field. */
function unwrapped(fields: Record<string, unknown>): Record<string, unknown> {
  return unwrapBody(fields).body as Record<string, unknown>;
}

const ENCODED_ADDRESS = /^[^@\s]+%40[^@\s]+$/;

/**
 * JSON whose tokens were encoded as those of a form: `{"email": "ann%40acme.com", "name": "Ann+Lee"}`. The address
 * shows it; then each text is decoded. One that cannot be decoded was not encoded, so nothing is.
 */
function withoutFormEncoding(fields: Record<string, unknown>): Record<string, unknown> {
  const email = Object.entries(fields).find(([name]) => /^e-?mail$/i.test(name))?.[1];
  if (typeof email !== 'string' || !ENCODED_ADDRESS.test(email)) return fields;
  try {
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        typeof value === 'string' ? decodeURIComponent(value.replaceAll('+', ' ')) : value,
      ]),
    );
  } catch {
    return fields;
  }
}

function multipartOf(
  bytes: Buffer,
  charset: string | null,
  replaced: string[],
): { fields: Record<string, unknown>; notes: IntakeNote[] } {
  const { text, notes, damaged } = textOf(bytes, charset);
  const fields = parseMultipart(text);
  if (damaged) requireIntact(damagedFields(fields), replaced);
  const message = 'the body is a multipart form; its text fields were read';
  return { fields, notes: [...notes, { kind: 'encoding', path: '', message }] };
}

/** The body as text for display, in the charset of its header; U+FFFD where it is damaged. */
export function textOfKeptBody({ contentType, body }: KeptBody): string {
  return decodeLoosely(gunzipKept(body), readContentType(contentType).charset);
}

function textOf(bytes: Buffer, charset: string | null): { text: string; notes: IntakeNote[]; damaged: boolean } {
  try {
    return { ...decodeText(bytes, charset), damaged: false };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { text: bytes.toString('utf8'), notes: [], damaged: true };
  }
}

function damagedFields(fields: Record<string, unknown>): string[] {
  return Object.keys(fields).filter((key) => `${key}${JSON.stringify(fields[key]) ?? ''}`.includes('\ufffd'));
}

/** @throws AppError INVALID_BODY */
function requireIntact(damaged: string[], replaced: string[]): void {
  const problems = damaged
    .filter((field) => !replaced.includes(field))
    .slice(0, 50)
    .map((field) => ({ path: field.slice(0, 60), message: 'has bytes that are not UTF-8' }));
  if (problems.length === 0) return;
  const names = problems.map(({ path }) => `"${path}"`).join(', ');
  const message =
    `The text of ${names} is not UTF-8. No lead was stored. Name the charset of the body, e.g. windows-1252, or give the ` +
    'fields as corrections.';
  throw new AppError('INVALID_BODY', message, { problems });
}

function withRepair(notes: IntakeNote[], repaired: boolean): IntakeNote[] {
  if (!repaired) return notes;
  const message = 'the body was broken as sent; it was corrected where only one correction was possible';
  return [...notes, { kind: 'repair', path: '', message }];
}
