import type { IntakeNote } from '../../domain/lead.js';

const SIMPLE_KEY = /"([^"\\]{1,100})"\s*:/g;
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;
const MAX_NOTES = 5;

/**
 * Notes the fields that a JSON object has twice: `JSON.parse` keeps the last one and says nothing.
 * @param text valid JSON.
 */
export function repeatedKeyNotes(text: string): IntakeNote[] {
  const simple = Array.from(text.matchAll(SIMPLE_KEY), ([, key]) => key!);
  // The usual case. A name in two objects, or inside of a text, is found out below.
  if (new Set(simple).size === simple.length) return [];
  const repeated = new Set<string>();
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (colon !== undefined) {
      const key = token.slice(1, token.lastIndexOf('"'));
      const keys = open.at(-1);
      if (keys?.has(key)) repeated.add(key);
      keys?.add(key);
    }
  }
  return [...repeated].slice(0, MAX_NOTES).map((key) => ({
    kind: 'encoding',
    path: key.replaceAll(/\p{C}/gu, '').slice(0, 60),
    message: 'is in the body twice; the last one counts',
  }));
}
