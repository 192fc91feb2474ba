import { scanJson, type JsonFaultKind } from './http/json-faults.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const MAX_BYTES = 2 * 1024 * 1024;

/** What is wrong, and what to do about it. */
const CAUSES: Partial<Record<JsonFaultKind, string>> = {
  comment: 'a comment begins, which JSON does not have. Remove it',
  'trailing-comma': 'a comma follows the last item. Remove it',
  'extra-comma': 'there is a comma too many. Remove it',
  'missing-comma': 'a comma is missing before this key. Add it',
  'empty-value': 'a value is missing',
  'no-quotes': 'a value has no quotation marks. Put the text in straight ones',
  'bad-key': 'a key must begin with a straight quotation mark',
  'bad-escape': 'a text has a single backslash. Write it twice',
  'cut-off': 'the text ends before the object is complete',
  'text-after-end': 'there is text behind the end of the object',
};

/**
 * Reads a JSON file that a person wrote. A key that an object has twice is refused: only the last one would count.
 * @returns why the file cannot be used, as the end of a sentence, in place of its value.
 */
export function readJsonDocument(bytes: Uint8Array): { value: unknown } | { problem: string } {
  if (bytes.length > MAX_BYTES) return { problem: `is larger than ${MAX_BYTES / 1024 / 1024} MB` };
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return { problem: 'is not UTF-8 text. Save it with the encoding UTF-8' };
  }
  if (text.trim() === '') return { problem: 'is empty' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { kind, at } = scanJson(text).faults[0] ?? { kind: 'unexpected' as const, at: 0 };
    return { problem: `is not JSON: ${placeOf(text, at)}: ${CAUSES[kind] ?? 'this was not expected'}` };
  }
  const repeated = findRepeatedKey(text);
  if (repeated) return { problem: `has a key twice in one object: ${placeOf(text, repeated.at)}: ${repeated.key}. Remove one` };
  return { value };
}

const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}]/g;

/** Of a valid JSON text; the key as it is written. */
function findRepeatedKey(text: string): { key: string; at: number } | null {
  const objects: Set<unknown>[] = [];
  for (const { 0: token, 1: string = '', 2: colon, index } of text.matchAll(TOKEN)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (colon !== undefined) {
      const key: unknown = JSON.parse(string);
      const keys = objects.at(-1)!;
      if (keys.has(key)) return { key: string.slice(0, 60), at: index };
      keys.add(key);
    }
  }
  return null;
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${[...before.at(-1)!].length + 1}`;
}
