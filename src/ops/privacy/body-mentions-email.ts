import * as zlib from 'node:zlib';
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
  const bytes = unpacked(body);
  for (const raw of new Set([decodeLoosely(bytes, readContentType(contentType).charset), ...otherReadings(bytes)])) {
    for (const text of readingsOf(raw, contentType)) if (textMentions(text, email)) return true;
    for (const text of base64In(raw)) if (textMentions(text, email)) return true;
  }
  return false;
}

/** A sender may encode a text that is encoded already; no report has three layers. */
const ENCODED_AT_MOST = 2;

function readingsOf(raw: string, contentType: string): Set<string> {
  const texts = new Set([raw]);
  let last = [raw];
  // A form encodes a space as a plus.
  if (!contentType.includes('json')) last.push(raw.replaceAll('+', ' '));
  for (let times = 0; times < ENCODED_AT_MOST; times++) {
    const next = last.flatMap((text) => [withoutEscapes(text), ...percentDecoded(text), ...percentDecoded(withoutEscapes(text))]);
    last = [...new Set(next)].filter((text) => !texts.has(text));
    for (const text of last) texts.add(text);
  }
  return texts;
}

type Unpack = ((bytes: Buffer, options: { maxOutputLength: number }) => Buffer) | undefined;
/** Node has it since 22.15. Before that a refused body in zstd stays until its retention ends. */
const zstd = (zlib as { zstdDecompressSync?: Unpack }).zstdDecompressSync;
const UNPACKED_AT_MOST = 1024 * 1024;

function unpacked(body: Buffer): Buffer {
  if (!zstd || body.length < 4 || body.readUInt32LE(0) !== 0xfd2fb528) return gunzipKept(body);
  try {
    return zstd(body, { maxOutputLength: UNPACKED_AT_MOST });
  } catch {
    return body;
  }
}

/** Runs that are long enough for an address, as some gateways wrap a webhook's body. */
function base64In(text: string): string[] {
  const runs = text.match(/[A-Za-z0-9+/_-]{8,}={0,2}/g) ?? [];
  return runs.map((run) => Buffer.from(run, 'base64').toString('utf8')).filter((decoded) => decoded.includes('@'));
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

/** Escapes of JSON, JavaScript, HTML and quoted-printable. */
function withoutEscapes(text: string): string {
  if (!/[\\&=]/.test(text)) return text;
  return text
    .replaceAll(/\\+u([0-9a-f]{4})|\\+x([0-9a-f]{2})/gi, (_, long: string, short: string) => character(long ?? short, 16))
    .replaceAll(/&#x([0-9a-f]{1,6});?/gi, (_, code: string) => character(code, 16))
    .replaceAll(/&#(\d{1,7});?/g, (_, code: string) => character(code, 10))
    .replaceAll(/&commat;/gi, '@')
    .replaceAll(/=40/g, '@');
}

function character(code: string, radix: number): string {
  const value = Number.parseInt(code, radix);
  return value <= 0x10ffff ? String.fromCodePoint(value) : '\ufffd';
}

/** Each run of escapes separately, because another part of the body may be damaged; as UTF-8 and as Windows-1252. */
function percentDecoded(text: string): string[] {
  if (!text.includes('%')) return [];
  const decoded = (decode: (bytes: Buffer) => string) =>
    text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => decode(Buffer.from(run.replaceAll('%', ''), 'hex')));
  return [decoded((bytes) => bytes.toString('utf8')), decoded((bytes) => decodeBytes(bytes, 'windows-1252'))];
}
