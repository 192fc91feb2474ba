/** Two codes between which others are, `80000..81999`; both have as many characters. */
const RANGE = /^(.+?)\.\.(.+)$/u;

/** In these countries codes have five digits, so one of four has lost its leading zero: a spreadsheet does that. */
const FIVE_DIGITS = new Set('DE US FR IT ES FI'.split(' '));

/**
 * How specific a territory is for a postal code: 1 and a hundredth for each character that the territory names; 0 where
 * the code is not of it.
 * @param territory beginnings of codes, and ranges `80000..81999`.
 * @param country of the code; null where it is not known.
 */
export function postalWeight(code: string, territory: readonly string[], country: string | null): number {
  const plain = withZero(plainCode(code), country);
  const lengths = boundsOfAll(territory).flatMap((bounds) => namedLength(plain, bounds) ?? []);
  return lengths.length === 0 ? 0 : 1 + Math.max(...lengths) / 100;
}

/** Why a text is neither the beginning of a code nor a range; null where it is one. */
export function postalProblem(text: string): string | null {
  const [first, last] = boundsOf(text);
  if (RANGE.test(text))
    return first.length === last.length && first <= last
      ? null
      : `\`${text}\` is no range: both codes must have as many characters, and the smaller one comes first`;
  const [low = '', high = ''] = text.split(/[-–]/u).map(plainCode);
  const isRange = low.length > 1 && low.length === high.length && low < high;
  return isRange ? `\`${text}\` is no beginning of a code; a range is written \`${low}..${high}\`` : null;
}

/** Characters that the territory names of the code; null where the code is not of it. */
function namedLength(code: string, [first, last]: Bounds): number | null {
  const beginning = code.slice(0, first.length);
  if (beginning.length < first.length || beginning < first || beginning > last) return null;
  const shared = Array.from(first).findIndex((character, index) => character !== last[index]);
  return shared < 0 ? first.length : shared;
}

/** The beginning of a code is a range of one. */
type Bounds = [first: string, last: string];

/** The bounds of a territory's list, prepared once. */
const prepared = new WeakMap<readonly string[], Bounds[]>();

function boundsOfAll(territory: readonly string[]): Bounds[] {
  let bounds = prepared.get(territory);
  if (!bounds) prepared.set(territory, (bounds = territory.map(boundsOf)));
  return bounds;
}

function boundsOf(named: string): Bounds {
  const [, first = named, last = first] = RANGE.exec(named) ?? [];
  return [plainCode(first), plainCode(last)];
}

/** Without spaces and hyphens, and without the sign of the country before a number: `D-80 331` is 80331. */
function plainCode(text: string): string {
  return text
    .trim()
    .toUpperCase()
    .replace(/^[A-Z]{1,3}\s*-\s*(?=\d)/u, '')
    .replaceAll(/[\s-]/gu, '');
}

function withZero(code: string, country: string | null): string {
  return country !== null && FIVE_DIGITS.has(country) && /^\d{3,4}$/u.test(code) ? code.padStart(5, '0') : code;
}
