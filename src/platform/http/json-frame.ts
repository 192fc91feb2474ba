const STRING = /"(?:[^"\\]|\\.)*"/sy;
const OPENING = new Set(['“', '”', '„', '‟', '‘', '’', '‚', "'"]);
/** A closing quotation mark is followed by the end of a name or of a value. */
const CLOSING = /[“”‟‘’'](?=\s*[:,}\]])/g;
const NOT_IN_A_TEXT = /["\\\p{Cc}]/u;

/** The end of the object with which a text begins, if it is valid JSON and something follows it; else null. */
export function endOfFirstObject(text: string): number | null {
  const start = text.search(/\S/);
  if (text[start] !== '{') return null;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      STRING.lastIndex = at;
      const found = STRING.exec(text);
      if (!found) return null;
      at += found[0].length - 1;
    } else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) {
      return text.slice(at + 1).trim() !== '' && isJson(text.slice(start, at + 1)) ? at + 1 : null;
    }
  }
  return null;
}

/**
 * JSON whose quotation marks a word processor or Python made: “a”, ‘a’, 'a'. Straight strings stay as they are.
 * @returns null where a text has no clear end, or contains what would need an escape.
 */
export function withStraightQuotes(text: string): string | null {
  let output = '';
  let changed = false;
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === '"') {
      STRING.lastIndex = at;
      const found = STRING.exec(text);
      if (!found) return null;
      output += found[0];
      at += found[0].length;
    } else if (OPENING.has(character)) {
      CLOSING.lastIndex = at + 1;
      const end = CLOSING.exec(text);
      const inner = end && text.slice(at + 1, end.index);
      if (inner === null || NOT_IN_A_TEXT.test(inner)) return null;
      output += JSON.stringify(inner);
      at = end!.index + 1;
      changed = true;
    } else {
      output += character;
      at++;
    }
  }
  return changed ? output : null;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
