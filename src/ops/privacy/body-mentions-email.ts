import { normaliseEmail } from '../../domain/lead-keys.js';
import { readContentType } from '../../platform/http/content-type.js';
import { decodeBytes, decodeLoosely, encodingOf } from '../../platform/http/decode-text.js';
import { gunzipKept } from '../../platform/http/read-body.js';
import { AppError } from '../../domain/app-error.js';

const DOMAIN_AFTER = /[\p{L}\p{N}.\-\p{M}]*/uy;
const PART_OF_A_NAME = /[\p{L}\p{N}._+-]$/u;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

/**
 * Whether the body of a refused request contains the address in any form. It may be compressed, in another charset, in
 * capitals or full-width, percent-encoded, or with JSON escapes. It may contain invisible characters, or its domain in
 * Unicode. An unreadable body has no fields to compare, so this searches the text. A longer address with the same end
 * does not match. If characters that are rare in addresses precede it, it does match: erasing one refused request too
 * many is the smaller fault.
 * @param email normalised.
 */
export function bodyMentionsEmail({ body, contentType }: { body: Buffer; contentType: string }, email: string): boolean {
  const bytes = gunzipKept(body);
  for (const raw of new Set([decodeLoosely(bytes, readContentType(contentType).charset), ...otherReadings(bytes)])) {
    const unescaped = withoutJsonEscapes(raw);
    const texts = new Set([raw, unescaped, ...percentDecoded(raw), ...percentDecoded(unescaped)]);
    // A form encodes a space as a plus.
    if (!contentType.includes('json')) for (const text of percentDecoded(raw.replaceAll('+', ' '))) texts.add(text);
    for (const text of texts) if (textMentions(text, email)) return true;
  }
  return false;
}

/** The header may be wrong while the bytes contain the address. */
function otherReadings(bytes: Buffer): string[] {
  const readings = [bytes.toString('utf8'), decodeBytes(bytes, 'windows-1252')];
  if (bytes.includes(0)) readings.push(bytes.toString('utf16le'), bytes.subarray(1).toString('utf16le'));
  try {
    const { decoder } = encodingOf(bytes, null);
    if (decoder !== 'utf-8') readings.push(decodeBytes(bytes, decoder));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  return readings;
}

function textMentions(written: string, email: string): boolean {
  const composed = written.replaceAll(INVISIBLE, '').normalize('NFC').toLowerCase().normalize('NFC');
  return mentionedIn(composed, email) || (/[＠﹫．]/.test(composed) && mentionedIn(composed.normalize('NFKC'), email));
}

function mentionedIn(text: string, email: string): boolean {
  const local = email.slice(0, email.lastIndexOf('@'));
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const before = text.slice(Math.max(0, at - local.length), at);
    if (before !== local || PART_OF_A_NAME.test(text.slice(Math.max(0, at - local.length - 2), at - local.length))) continue;
    DOMAIN_AFTER.lastIndex = at + 1;
    const domain = DOMAIN_AFTER.exec(text)![0].replace(/[.-]+$/, '');
    if (normaliseEmail(`${local}@${domain}`) === email) return true;
  }
  return false;
}

function withoutJsonEscapes(text: string): string {
  return text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Each run of escapes separately, because another part of the body may be damaged; as UTF-8 and as Windows-1252. */
function percentDecoded(text: string): string[] {
  if (!text.includes('%')) return [];
  const decoded = (decode: (bytes: Buffer) => string) =>
    text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => decode(Buffer.from(run.replaceAll('%', ''), 'hex')));
  return [decoded((bytes) => bytes.toString('utf8')), decoded((bytes) => decodeBytes(bytes, 'windows-1252'))];
}
