import { readFile } from 'node:fs/promises';
import { AppError } from '../domain/app-error.js';
import { jsonFaultOf } from './json-fault.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const MAX_BYTES = 4 * 1024 * 1024;

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
  const fault = jsonFaultOf(text);
  return fault ? { problem: `is not JSON: ${fault}` } : { value: JSON.parse(text) as unknown };
}

/**
 * Reads the JSON file that a variable names.
 * @throws AppError CONFIG_INVALID with the place of what is wrong.
 */
export async function readJsonFile(path: string, variable: string): Promise<unknown> {
  const refusal = (problem: string, cause?: unknown) =>
    new AppError('CONFIG_INVALID', `Configuration: the file that ${variable} names ${problem}.`, { cause });
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw refusal(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`, cause);
  });
  const document = readJsonDocument(bytes);
  if ('problem' in document) throw refusal(document.problem);
  return document.value;
}
