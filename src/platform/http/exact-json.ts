import { randomUUID } from 'node:crypto';

/** A JSON number that a JavaScript number cannot represent, with the digits that were sent. */
export class ExactNumber {
  constructor(readonly digits: string) {}

  toJSON(): string {
    return this.digits;
  }
}

/** Only numbers with sixteen digits or an exponent can lose digits. Most bodies have none and skip the exact parse. */
const MAY_LOSE_DIGITS = /\d[\d.]{15}|\d[eE][+-]?\d/;
const STRING_OR_NUMBER_OR_BRACKET = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[[\]{}]/g;
/** Marks a number inside a string for the reviver. It is random, so that no sender can write one. */
const MARK = `${randomUUID()}:`;
/** The reviver recurses once per level. Accepted bodies are nested less deeply. */
const MAX_DEPTH = 200;

/**
 * `JSON.parse` that keeps the digits of numbers beyond 2^53 as ExactNumber. (`JSON.parse` with source text access needs
 * Node 21.)
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (!MAY_LOSE_DIGITS.test(text)) return parsed;
  let depth = 0;
  let deepest = 0;
  let marked = 0;
  // The text is valid JSON, so a token found here is a token of the JSON.
  const exact = text.replaceAll(STRING_OR_NUMBER_OR_BRACKET, (token) => {
    if (token.startsWith('"')) return token;
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
    else if (losesDigits(token)) {
      marked++;
      return `"${MARK}${token}"`;
    }
    return token;
  });
  if (marked === 0 || deepest > MAX_DEPTH) return parsed;
  return JSON.parse(exact, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  );
}

function losesDigits(token: string): boolean {
  return decimalOf(token) !== decimalOf(String(Number(token)));
}

/** The number's significant digits and power of ten, so that `1e3`, `1000` and `1000.0` are equal. */
function decimalOf(token: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  if (sign === undefined) return token; // Infinity: larger than any number of JavaScript
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
