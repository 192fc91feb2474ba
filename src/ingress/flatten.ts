import type { FieldProblem } from '../domain/app-error.js';

const MAX_DEPTH = 8;
const MAX_FIELDS = 250;
const MAX_KEY_LENGTH = 200;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Flattens a body to one level of strings: nested keys joined with dots, arrays as JSON text, null and empty values dropped.
 * Everything that is wrong is reported, not only the first.
 */
export function flatten(body: Record<string, unknown>): { fields: Record<string, string>; problems: FieldProblem[] } {
  const fields = new Map<string, string>();
  const problems: FieldProblem[] = [];
  let tooMany = false;

  const visit = (value: unknown, path: string, depth: number) => {
    if (value === null || value === undefined || value === '') return;
    if (typeof value === 'object' && !Array.isArray(value)) return visitObject(value as Record<string, unknown>, path, depth);
    const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
    const problem = problemOfText(text);
    if (problem) problems.push({ path, message: problem });
    else if (text.trim() !== '') fields.set(path, text);
    if (fields.size > MAX_FIELDS) tooMany = true;
  };
  const visitObject = (object: Record<string, unknown>, path: string, depth: number) => {
    if (depth >= MAX_DEPTH) {
      problems.push({ path, message: `is nested more than ${MAX_DEPTH} levels deep` });
      return;
    }
    for (const [key, value] of Object.entries(object)) {
      if (tooMany) return;
      const problem = problemOfKey(key);
      if (problem) problems.push({ path: printable(key), message: problem });
      else visit(value, path === '' ? key : `${path}.${key}`, depth + 1);
    }
  };

  visitObject(body, '', 0);
  if (tooMany) problems.push({ path: '', message: `more than ${MAX_FIELDS} fields` });
  return { fields: Object.fromEntries(fields), problems };
}

function problemOfKey(key: string): string | null {
  if (FORBIDDEN_KEYS.has(key)) return 'is a name that a field cannot have';
  if (key.length > MAX_KEY_LENGTH) return `has a name longer than ${MAX_KEY_LENGTH} characters`;
  return problemOfText(key);
}

/** PostgreSQL stores neither of the two, and neither is a character of any language. */
function problemOfText(text: string): string | null {
  if (text.includes('\0')) return 'contains a NUL character';
  if (!text.isWellFormed()) return 'contains half of a surrogate pair';
  return null;
}

function printable(key: string): string {
  return key.toWellFormed().replaceAll('\0', '').slice(0, 50);
}
