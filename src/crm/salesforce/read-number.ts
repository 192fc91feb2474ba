const SIGNS = /^[\p{Sc}]|^(?:EUR|USD|GBP|CHF|JPY)\b|[\p{Sc}%]$|\b(?:EUR|USD|GBP|CHF|JPY)$/giu;
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
/** A sign, digits in groups of three behind one separator, and decimals behind another. */
const GROUPED = /^([+-]?\d{1,3})(?:([.,'’ ])\d{3})(?:\2\d{3})*(?:([.,])(\d+))?$/u;
const WITH_COMMA = /^[+-]?\d+,\d+$/;

/**
 * A number as people and spreadsheets write it: `1.234,50`, `1,234.50`, `€ 12`, `50%`. Null for a text that is none,
 * for one that has two readings (`1,234`), and for one with more digits than a number can hold: another number is wrong
 * data.
 * @param whole the field holds whole numbers only, where `1,234` and `1.234` have one reading, but `2.000` has two.
 */
export function numberOf(text: string, whole = false): number | null {
  const bare = text.normalize('NFKC').replaceAll('\u2212', '-').trim();
  const digits = bare.replaceAll(SIGNS, '').trim();
  const plain = plainDigits(digits, whole);
  if (plain === null) return null;
  const value = Number(plain);
  const isSafe = Math.abs(value) <= Number.MAX_SAFE_INTEGER || !/^[+-]?\d+$/.test(plain);
  return Number.isFinite(value) && isSafe ? value : null;
}

/** The same with a decimal point and nothing else. */
function plainDigits(text: string, whole: boolean): string | null {
  const grouped = GROUPED.exec(text);
  const [, , separator = '', decimal, decimals = ''] = grouped ?? [];
  if (grouped && decimal === undefined) {
    const isCertain = whole || !/^[.,]$/.test(separator) || text.split(separator).length > 2;
    if (whole && /^[+-]?\d{1,3}\.000$/.test(text)) return null;
    if (isCertain) return text.replaceAll(separator, '');
  }
  if (grouped && decimal !== undefined && decimal !== separator) {
    return `${text.slice(0, text.lastIndexOf(decimal)).replaceAll(separator, '')}.${decimals}`;
  }
  if (PLAIN.test(text)) return text;
  return WITH_COMMA.test(text) && !grouped ? text.replace(',', '.') : null;
}
