const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'zh', 'ar', 'ja'];
const A = 65;
const LETTERS = 26;
const OTHER_NAMES: Record<string, string> = {
  usa: 'US',
  'u s a': 'US',
  'united states of america': 'US',
  america: 'US',
  uk: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'great britain': 'GB',
  uae: 'AE',
  holland: 'NL',
  'czech republic': 'CZ',
  turkey: 'TR',
  'hong kong': 'HK',
  macau: 'MO',
  'ivory coast': 'CI',
  'russian federation': 'RU',
  'viet nam': 'VN',
  'republic of korea': 'KR',
  korea: 'KR',
  'republic of ireland': 'IE',
};
const NOT_A_WORD = /[^\p{L}\p{N}]+/gu;

const ENGLISH = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** ISO 3166-1 alpha-2, as far as the ICU data of this Node knows names for them. */
export const COUNTRY_CODES = readCodes();

function readCodes(): [string, ...string[]] {
  const codes = Array.from({ length: LETTERS * LETTERS }, (_, at) =>
    String.fromCharCode(A + Math.floor(at / LETTERS), A + (at % LETTERS)),
  );
  // ICU also names regions such as EU and codes for private use; those are no countries.
  const none = new Set(['EU', 'EZ', 'UN', 'QO', 'ZZ', 'XA', 'XB']);
  // A withdrawn code (DD) has the name of its successor (DE); the canonical locale shows the successor.
  const isCurrent = (code: string) => Intl.getCanonicalLocales(`und-${code}`)[0] === `und-${code}`;
  return codes.filter((code) => ENGLISH.of(code) !== undefined && isCurrent(code) && !none.has(code)) as [string, ...string[]];
}

let names: Map<string, string> | null = null;

/** The code of a country that a form sent as a code or as a name; null where it is neither. */
export function countryCodeOf(value: string): string | null {
  const plain = plainName(value.slice(0, 100)).replace(/^the /, '');
  if (plain === '') return null;
  names ??= readNames();
  return names.get(plain) ?? null;
}

const MAX_WORDS = 4;

/** Countries at the beginning or the end of a longer text. */
export function countriesIn(text: string): string[] {
  const words = text
    .slice(0, 1000)
    .split(NOT_A_WORD)
    .filter((word) => word !== '');
  const counts = Array.from({ length: Math.min(MAX_WORDS, words.length) }, (_, at) => at + 1);
  const parts = counts.flatMap((count) => [words.slice(0, count), words.slice(-count)]);
  return [...new Set(parts.map((part) => countryCodeOf(part.join(' '))).filter((code) => code !== null))];
}

function readNames(): Map<string, string> {
  const found = new Map<string, string>(Object.entries(OTHER_NAMES));
  for (const language of LANGUAGES) {
    const display = new Intl.DisplayNames(language, { type: 'region' });
    for (const code of COUNTRY_CODES) {
      const name = plainName(display.of(code) ?? '');
      if (name !== '' && !found.has(name)) found.set(name, code);
    }
  }
  for (const code of COUNTRY_CODES) found.set(code.toLowerCase(), code);
  return found;
}

function plainName(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(NOT_A_WORD, ' ')
    .trim();
}

const COUNTRY_KEYS = new Set(['country', 'countrycode', 'countryname', 'land', 'pays', 'pais', 'paese', 'nation']);

/** The country as the form sent it; empty where there is none. */
export function countryOf(attributes: Record<string, string>): string {
  // The store may sort the keys, so the choice must not depend on their order.
  for (const key of Object.keys(attributes).sort()) {
    const name = key
      .split('.')
      .at(-1)!
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '');
    const value = attributes[key];
    if (COUNTRY_KEYS.has(name) && typeof value === 'string' && value.trim() !== '') return value;
  }
  return '';
}
