import { ISO_NAMES, THREE_LETTERS } from './country-names.js';

const LANGUAGES = 'en de fr es it pt nl pl sv ja zh da nb fi cs sk hu ro el tr ru uk ko ar he bg hr sl et lv lt'.split(' ');

let codes: Map<string, string> | undefined;

/**
 * The ISO 3166 code of a country by its code of two or three letters, or by its name in one of thirty languages, with
 * or without accents; null where it is neither.
 */
export function countryCode(text: string): string | null {
  codes ??= readCodes();
  return codes.get(plainOf(text)) ?? null;
}

/** `Côte d’Ivoire` as `cote d'ivoire`. */
function plainOf(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[’‘`´]/gu, "'")
    .replaceAll(/\s+/gu, ' ');
}

function readCodes(): Map<string, string> {
  const found = new Map<string, string>();
  const add = (name: string, code: string) => void (found.has(plainOf(name)) || found.set(plainOf(name), code));
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCodePoint(65 + index));
  const english = namesIn('en', 'long');
  // Codes that the CLDR has and ISO 3166 has not, such as EU and UN, name no country.
  const countries = letters
    .flatMap((first) => letters.map((second) => first + second))
    .filter((code) => !NO_COUNTRIES.has(code) && english.of(code) !== undefined);
  for (const code of countries) add(code, code);
  for (const each of THREE_LETTERS) add(each.slice(2), each.slice(0, 2));
  for (const [name, code] of Object.entries(ISO_NAMES)) add(name, code);
  // The languages in turn: a name that two of them have for different countries is that of the first.
  for (const names of [...LANGUAGES.map((language) => namesIn(language, 'long')), namesIn('en', 'short')])
    for (const code of countries) {
      const name = names.of(code);
      if (name !== undefined) add(name, code);
    }
  return found;
}

const namesIn = (language: string, style: 'long' | 'short') =>
  new Intl.DisplayNames([language], { type: 'region', fallback: 'none', style });

/** `UK` is a name of GB; the others are groups, former countries and reserved codes. */
const NO_COUNTRIES = new Set('EU EZ UN UK QO XA XB ZZ SU YU DD FX AN BU CS NT TP ZR CP DG EA IC TA AC CQ'.split(' '));
