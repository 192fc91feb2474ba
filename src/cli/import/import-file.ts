import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { CommandError, EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { decodeBytes } from '../../platform/http/decode-text.js';
import { OtherScriptEvidence } from './other-script.js';

/** The file is wrong as a whole; nothing was posted. */
export class ImportFileError extends CommandError {
  constructor(message: string, exitCode: ExitCode = EXIT_CODES.failure) {
    super(exitCode, message);
  }
}

const HEAD_BYTES = 4096;
/** No line of a lead is so long; a longer one is not CSV or JSON Lines. */
const MAX_LINE = 8 * 1024 * 1024;

/** A text file whose encoding is known and checked to its end. */
export interface ImportFile {
  path: string;
  encoding: string;
  /** Its lines without their ends, from line 1. Reads the file again each time. */
  lines(): AsyncGenerator<string>;
  /** Its text in pieces: scripts write a JSON array of any length as one line. */
  text(): AsyncGenerator<string>;
}

/**
 * Opens a file and checks that the whole of it is text, before the first row is posted: a file that turns out wrong in
 * the middle would be half imported.
 * @throws ImportFileError
 */
export async function openImportFile(path: string, encoding?: string): Promise<ImportFile> {
  const head = await readHead(path);
  refuseOtherKinds(path, head);
  const given = encoding === undefined ? 'utf-8' : knownEncoding(encoding);
  // A byte-order mark, or zero bytes, show what the file is; a name on the command line may be a guess.
  const decoder = evidentEncoding(head) ?? given;
  if (SINGLE_BYTE.test(decoder)) await requireScript(path, decoder, encoding!);
  await requireText(path, decoder, encoding !== undefined);
  return { path, encoding: decoder, lines: () => linesOf(decoded(path, decoder)), text: () => decoded(path, decoder) };
}

async function readHead(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      // It is read several times, so that nothing is posted of a file that is wrong at its end.
      const kind = await file.stat();
      if (!kind.isFile() && !kind.isDirectory())
        throw new ImportFileError(`${path}: this is a pipe or a device; save it as a file first.`);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ImportFileError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reasons: Record<string, string> = {
      ENOENT: 'no such file',
      EISDIR: 'this is a folder, not a file',
      EACCES: 'this user may not read the file',
      EPERM: 'this user may not read the file',
    };
    throw new ImportFileError(`${path}: ${reasons[code] ?? `it cannot be read (${code})`}.`, EXIT_CODES.usage);
  }
}

const OTHER_KINDS: [string | RegExp, string][] = [
  ['504b0304', 'an Excel workbook or another zip file; in Excel, save it as "CSV UTF-8"'],
  ['d0cf11e0', 'an old Excel workbook; in Excel, save it as "CSV UTF-8"'],
  ['25504446', 'a PDF; export a CSV file from the system that it comes from'],
  ['1f8b', 'a gzip file; unpack it first'],
  ['28b52ffd', 'a zstd file; unpack it first'],
  ['425a68', 'a bzip2 file; unpack it first'],
  ['377abcaf', 'a 7z archive; unpack it first'],
  ['7b5c727466', 'a rich-text document; save it as plain text'],
  ['50415231', 'a Parquet file; export a CSV file'],
  ['53514c69', 'an SQLite database; export a CSV file'],
  ['89504e47', 'an image; export a CSV file'],
  ['ffd8ff', 'an image; export a CSV file'],
];

function refuseOtherKinds(path: string, head: Buffer): void {
  if (head.length === 0) throw new ImportFileError(`${path}: the file is empty. Nothing was posted.`);
  const kind = OTHER_KINDS.find(([magic]) => head.toString('hex').startsWith(magic as string))?.[1];
  if (kind) throw new ImportFileError(`${path}: this is ${kind}. Nothing was posted.`);
  if (/^\s*<(?:!doctype|html|\?xml|table)/i.test(head.toString('latin1'))) {
    throw new ImportFileError(`${path}: this is HTML or XML, not CSV or JSON. Nothing was posted.`);
  }
}

function evidentEncoding(head: Buffer): string | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  // Excel's "Unicode text" has a mark; scripts leave it out, and then every other byte of a header is zero.
  if (head[0] !== 0 && head[1] === 0 && head[3] === 0) return 'utf-16le';
  if (head[0] === 0 && head[1] !== 0 && head[2] === 0) return 'utf-16be';
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 'utf-8' : null;
}

function knownEncoding(name: string): string {
  try {
    return new TextDecoder(name.trim()).encoding;
  } catch {
    throw new ImportFileError(
      `--encoding ${name}: this encoding is not known. Use utf-8, utf-16le or windows-1252, for example.`,
    );
  }
}

async function requireText(path: string, encoding: string, given: boolean): Promise<void> {
  let line = 1;
  try {
    for await (const text of decoded(path, encoding)) {
      const nul = text.indexOf('\0');
      if (nul >= 0) {
        const at = line + text.slice(0, nul).split('\n').length - 1;
        throw new ImportFileError(
          `${path}: this is not a text file, or line ${at} has a NUL character (U+0000) that must be removed. Nothing was posted.`,
        );
      }
      line += text.split('\n').length - 1;
    }
  } catch (error) {
    if (error instanceof ImportFileError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    const advice = given
      ? 'Name another --encoding'
      : 'In Excel, save it as "CSV UTF-8", or name the encoding that Excel uses in your country: --encoding windows-1252 in Western ' +
        'Europe and America, windows-1250 in Central Europe, shift_jis in Japan, gbk in China';
    throw new ImportFileError(`${path}: the text is not ${encoding} from about line ${line} on. ${advice}. Nothing was posted.`);
  }
}

/** Encodings in which nearly each byte is a character, so that no text is invalid. */
const SINGLE_BYTE = /^(?:windows-|iso-8859-|macintosh|koi8|ibm866)/;
const LATIN = new Set(['windows-1252', 'windows-1250', 'windows-1254', 'windows-1257', 'iso-8859-2', 'iso-8859-15']);
const OTHERS = 'windows-1251 or koi8-r (Cyrillic), windows-1253 (Greek), gbk or big5 (Chinese), euc-kr (Korean)';

/** The bytes of UTF-8, and of Japanese or Russian names, are characters of these too, and make no words there. */
async function requireScript(path: string, decoder: string, given: string): Promise<void> {
  const evidence = new OtherScriptEvidence();
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) evidence.add(chunk);
  const found = evidence.found();
  if (found.isUtf8) {
    throw new ImportFileError(`${path}: the text is UTF-8, and not ${given}. Leave out --encoding. Nothing was posted.`);
  }
  if (!found.isOther || !LATIN.has(decoder)) return;
  const names = found.names.length > 0 ? found.names.join(' or ') : `of another script, such as ${OTHERS}`;
  throw new ImportFileError(
    `${path}: the text is not ${given}, in which its words mean nothing. It may be ${names}: name it with --encoding. Nothing was posted.`,
  );
}

async function* decoded(path: string, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    // See decode-text.ts on this encoding and TextDecoder.
    yield encoding === 'windows-1252' ? windows1252(chunk) : decoder.decode(chunk, { stream: true });
  }
  if (encoding !== 'windows-1252') yield decoder.decode();
}

/** Five bytes have no character in it: text of another encoding, such as Shift JIS, has them. */
function windows1252(chunk: Buffer): string {
  if (/[\x81\x8d\x8f\x90\x9d]/.test(chunk.toString('latin1'))) {
    throw Object.assign(new Error('This is not windows-1252'), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' });
  }
  return decodeBytes(chunk, 'windows-1252');
}

/**
 * Lines end at \n, \r\n or \r and nowhere else: U+2028 is a character of a text (Node's readline ends a line there).
 */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw new ImportFileError('A line is longer than 8 MiB: this is no list of leads.');
    yield* lines;
  }
  yield* rest.replace(/\r$/, '').split('\r');
}
