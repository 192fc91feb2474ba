/** What a text says about a number: `5,000` says one, `51-200` and `1000+` say between which it is. */
export interface NumberRange {
  from: number;
  to: number;
}

const DIGITS = String.raw`\d+(?:[.,'’ \u00a0\u202f]\d+)*`;
const MORE = '>=?|≥|over|more than|at least|über|mehr als|ab';
const LESS = '<=?|≤|under|less than|up to|unter|weniger als|bis';
const RANGE = new RegExp(
  `^(?:(?<more>${MORE})|(?<less>${LESS})|~|ca\\.?)?\\s*(?<first>[+-]?${DIGITS})(?<unit>[km])?` +
    `(?:\\s*(?:-|–|—|to|bis|\\.\\.)\\s*(?<second>${DIGITS})(?<secondUnit>[km])?)?\\s*(?<open>\\+)?(?:\\s+\\p{L}[\\p{L} .]*)?$`,
  'iu',
);
/** Longer texts are no number. */
const MAX_TEXT = 60;

/**
 * Reads a number as people and forms write it. `1.500` may be one and a half or fifteen hundred, so it says no more
 * than that the number is between them; a count has no fractions.
 * @returns null where the text says nothing about a number.
 */
export function numberRange(value: string | number | boolean, isCount: boolean): NumberRange | null {
  if (typeof value === 'number') return { from: value, to: value };
  const text = String(value).trim();
  if (text === '' || text.length > MAX_TEXT) return null;
  if (/^[+-]?\d+(?:\.\d+)?e[+-]?\d+$/iu.test(text)) return { from: Number(text), to: Number(text) };
  const { more, less, first, unit, second, secondUnit, open } = RANGE.exec(text)?.groups ?? {};
  if (first === undefined) return null;
  const low = readNumber(first, unit ?? secondUnit, isCount);
  const high = second === undefined ? low : readNumber(second, secondUnit, isCount);
  if (!low || !high || low.from > high.to) return null;
  return { from: less === undefined ? low.from : -Infinity, to: more === undefined && open === undefined ? high.to : Infinity };
}

const GROUPED = /^[1-9]\d{0,2}([.,'’ \u00a0\u202f])\d{3}(?:\1\d{3})*$/u;
const FRACTION = /^\d+[.,]\d+$/u;
const GROUPED_FRACTION = /^[1-9]\d{0,2}(?:(?:[,'’ \u00a0\u202f]\d{3})+\.|(?:[.'’ \u00a0\u202f]\d{3})+,)\d+$/u;
const UNITS: Record<string, number> = { k: 1000, m: 1_000_000 };

function readNumber(text: string, unit: string | undefined, isCount: boolean): NumberRange | null {
  const written = text.replace(/^[+-]/u, '');
  const times = (text.startsWith('-') ? -1 : 1) * (unit === undefined ? 1 : UNITS[unit.toLowerCase()]!);
  const readings = readingsOf(written, isCount, unit !== undefined).map((each) => each * times);
  return readings.length === 0 ? null : { from: Math.min(...readings), to: Math.max(...readings) };
}

/** With a unit, as in `1.500k`, digits after a separator are a fraction. */
function readingsOf(written: string, isCount: boolean, hasUnit: boolean): number[] {
  if (/^\d+$/u.test(written)) return [Number(written)];
  const isGrouped = GROUPED.test(written);
  const isFraction = FRACTION.test(written) || GROUPED_FRACTION.test(written);
  const whole = Number(written.replaceAll(/\D/gu, ''));
  const decimal = Number(
    written
      .replace(/[.,](\d+)$/u, '|$1')
      .replaceAll(/[^\d|]/gu, '')
      .replace('|', '.'),
  );
  // A comma before three digits groups them: `1,500`.
  if (isGrouped && isFraction && written.includes('.') && !isCount && !hasUnit) return [decimal, whole];
  if (isGrouped && !(isFraction && hasUnit)) return [whole];
  return isFraction ? [decimal] : [];
}
