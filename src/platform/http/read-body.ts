import type { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { AppError } from '../../domain/app-error.js';

export interface BodyBytes {
  /** Decompressed where the sender compressed it; no longer than the limit. */
  bytes: Buffer;
  /** Set where the body is unusable although `bytes` has a part of it. */
  problem?: AppError;
}

export const BODY_LIMIT_BYTES = 64 * 1024;
/** Of operators' routes that take a whole configuration file or a list. */
export const LARGE_BODY_LIMIT_BYTES = 4 * 1024 * 1024;
/**
 * The part of a too large body that is still read, so that the sender gets the answer instead of a connection reset.
 */
const DISCARD_BYTES = 1024 * 1024;
/** The longest wait for a declared, too large body before the request is answered. */
const TOO_LARGE_WITHIN_MS = 1000;

/**
 * Reads and decompresses a request's body. For a body that is too large or damaged it resolves with the first part, so
 * that the request can be stored.
 */
export async function readBody(
  payload: Readable,
  headers: Record<string, unknown>,
  limit = BODY_LIMIT_BYTES,
): Promise<BodyBytes> {
  const declared = Number(headers['content-length'] ?? 0);
  const { bytes, complete } = await collect(payload, declared, limit);
  const encodings = encodingsOf(headers['content-encoding'], bytes);
  if (encodings.length === 0) return complete ? { bytes } : { bytes, problem: tooLarge(limit) };
  return decompress(bytes, encodings, complete, limit);
}

function collect(payload: Readable, declared: number, limit: number): Promise<{ bytes: Buffer; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = () => {
      clearTimeout(timer);
      payload.off('data', onData).off('end', finish).off('error', onError).off('close', onClose);
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      resolve({ bytes: all.subarray(0, limit), complete: Math.max(length, declared) <= limit });
    };
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(Object.assign(error, { statusCode: 400 }));
    };
    const onClose = () => onError(new Error('The connection was closed within the body'));
    const onData = (chunk: Buffer) => {
      if (length <= limit) chunks.push(chunk);
      length += chunk.length;
      const readAtMost = Math.max(limit, DISCARD_BYTES);
      if (length > readAtMost || (declared > readAtMost && length >= limit)) finish();
    };
    payload.on('data', onData).once('end', finish).once('error', onError).once('close', onClose);
    if (declared > limit) timer = setTimeout(finish, TOO_LARGE_WITHIN_MS);
  });
}

const GZIP: [number, number] = [0x1f, 0x8b];

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === GZIP[0] && bytes[1] === GZIP[1];
}

/** In the order in which they were applied. Some proxies decompress the body and leave the header. */
function encodingsOf(header: unknown, bytes: Buffer): string[] {
  const named = String(header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase().replace(/^x-/, ''))
    .filter((name) => name !== '' && name !== 'identity');
  if (named.length === 0) return isGzip(bytes) ? ['gzip'] : [];
  const last = named.at(-1)!;
  const isText = bytes[0] === 0x7b || (bytes[0]! >= 0x61 && bytes[0]! <= 0x7a && bytes.includes('=') && bytes.includes('@'));
  if (last === 'gzip') return isGzip(bytes) ? named : [];
  if (last === 'deflate') return isText && !isZlib(bytes) ? [] : named;
  // `Content-Encoding: utf-8` is a charset in the wrong header. Brotli may begin with any byte.
  return isText && last !== 'br' ? [] : named;
}

const MAX_ENCODINGS = 2;

async function decompress(body: Buffer, encodings: string[], complete: boolean, limit: number): Promise<BodyBytes> {
  let bytes = body;
  let whole = complete;
  for (const encoding of encodings.toReversed()) {
    const stream = encodings.length > MAX_ENCODINGS ? null : decompressorOf(encoding, bytes);
    if (!stream) return { bytes, problem: unknownEncoding(encoding) };
    const part = await inflate(stream, bytes, limit);
    if (part.failed && part.bytes.length === 0) return { bytes, problem: complete ? damaged(encoding) : tooLarge(limit) };
    if (part.failed || part.longer)
      return { bytes: part.bytes, problem: part.longer || !complete ? tooLarge(limit) : damaged(encoding) };
    bytes = part.bytes;
    whole = complete;
  }
  return whole ? { bytes } : { bytes, problem: tooLarge(limit) };
}

function decompressorOf(encoding: string, bytes: Buffer): zlib.Gunzip | zlib.BrotliDecompress | null {
  if (encoding === 'gzip') return zlib.createGunzip();
  if (encoding === 'deflate') return isZlib(bytes) ? zlib.createInflate() : zlib.createInflateRaw();
  return encoding === 'br' ? zlib.createBrotliDecompress() : null;
}

/** "deflate" means the zlib format (RFC 9110, section 8.4.1.2), but many senders omit its two-byte header. */
function isZlib(bytes: Buffer): boolean {
  return bytes.length > 1 && (bytes[0]! & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}

/** Stops at the limit, so that a small body that decompresses to a huge one uses little memory. */
function inflate(
  stream: zlib.Gunzip | zlib.BrotliDecompress,
  bytes: Buffer,
  limit: number,
): Promise<{ bytes: Buffer; longer: boolean; failed: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (failed: boolean) => {
      stream.destroy();
      const longer = length > limit;
      resolve({ bytes: Buffer.concat(chunks).subarray(0, limit), longer, failed: failed && !longer });
    };
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) finish(false);
    });
    stream.once('end', () => finish(false)).on('error', () => finish(true));
    stream.end(bytes);
  });
}

/** Decompresses a body that was stored before bodies were decompressed on arrival. */
export function gunzipKept(bytes: Buffer): Buffer {
  if (!isGzip(bytes)) return bytes;
  try {
    return zlib.gunzipSync(bytes, { maxOutputLength: 16 * BODY_LIMIT_BYTES, finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch {
    return bytes;
  }
}

function tooLarge(limit: number): AppError {
  if (limit > BODY_LIMIT_BYTES)
    return new AppError('BODY_TOO_LARGE', `The body is larger than ${limit / 1024 / 1024} MiB. Nothing was stored.`);
  return new AppError('BODY_TOO_LARGE', 'The body is larger than 64 KiB. No lead was stored. Send fewer or shorter fields.');
}

function damaged(encoding: string): AppError {
  return new AppError('INVALID_BODY', `The body cannot be decompressed: it is not ${encoding}, or it was cut off.`);
}

function unknownEncoding(encoding: string): AppError {
  const name = encoding.slice(0, 40);
  return new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    `The Content-Encoding ${name} is not read. Send the body without compression, or with gzip, deflate or br.`,
  );
}
