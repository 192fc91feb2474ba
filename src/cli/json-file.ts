import { readFile } from 'node:fs/promises';
import { readJsonDocument } from '../platform/json-document.js';
import { usageError } from './exit-codes.js';

/** One JSON object of a file. @throws CommandError */
export async function jsonFile(path: string): Promise<Record<string, unknown>> {
  return objectOf(await bytesOfFile(path), path);
}

/** @throws CommandError where the text is not one JSON object. */
export function jsonObject(text: string, name: string): Record<string, unknown> {
  return objectOf(Buffer.from(text), name);
}

/** @throws CommandError */
export async function textOfFile(path: string): Promise<string> {
  return (await bytesOfFile(path)).toString('utf8');
}

async function bytesOfFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw usageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function objectOf(bytes: Uint8Array, name: string): Record<string, unknown> {
  const document = readJsonDocument(bytes);
  if ('problem' in document) throw usageError(`${name} ${document.problem}.`);
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usageError(`${name} must be one JSON object.`);
  return value as Record<string, unknown>;
}
