const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'ja', 'zh'];
/** Names in use that differ from those of the CLDR. */
const OTHER_NAMES: Record<string, string> = {
  usa: 'US',
  'u.s.a.': 'US',
  'u.s.': 'US',
  'united states of america': 'US',
  america: 'US',
  uk: 'GB',
  'great britain': 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  holland: 'NL',
  'the netherlands': 'NL',
  'czech republic': 'CZ',
  turkey: 'TR',
  'south korea': 'KR',
  uae: 'AE',
};

let codes: Map<string, string> | undefined;

/** The ISO 3166 code of a country by its code or by its name in one of eleven languages; null where it is neither. */
export function countryCode(text: string): string | null {
  codes ??= readCodes();
  return codes.get(text.trim().toLowerCase()) ?? null;
}

function readCodes(): Map<string, string> {
  const found = new Map<string, string>();
  const names = LANGUAGES.map((language) => new Intl.DisplayNames([language], { type: 'region', fallback: 'none' }));
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCodePoint(65 + index));
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    // Codes that the CLDR has and ISO 3166 has not, such as EU and UN, name no country.
    if (NO_COUNTRIES.has(code)) continue;
    const named = names.map((each) => each.of(code)).filter((each) => each !== undefined);
    if (named.length === 0) continue;
    for (const each of [code, ...named]) if (!found.has(each.toLowerCase())) found.set(each.toLowerCase(), code);
  }
  for (const [each, code] of Object.entries(OTHER_NAMES)) found.set(each, code);
  return found;
}

/** `UK` is a name of GB; the others are groups, former countries and reserved codes. */
const NO_COUNTRIES = new Set('EU EZ UN UK QO XA XB ZZ SU YU DD FX AN BU CS NT TP ZR CP DG EA IC TA AC CQ'.split(' '));
