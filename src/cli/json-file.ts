import { readFile } from 'node:fs/promises';
import { readJsonText } from '../platform/config/json-text.js';
import { usageError } from './exit-codes.js';

/** One JSON object of a file. @throws CommandError */
export async function jsonFile(path: string): Promise<Record<string, unknown>> {
  return jsonObject(await textOfFile(path), path);
}

/** @throws CommandError where the file cannot be read. */
export async function textOfFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw usageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** @throws CommandError where the text is not one JSON object. */
export function jsonObject(text: string, name: string): Record<string, unknown> {
  const read = readJsonText(text);
  if ('problem' in read) throw usageError(`${name} is not JSON: ${read.problem}.`);
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usageError(`${name} must be one JSON object.`);
  return value as Record<string, unknown>;
}
