import { countryCode } from './country-codes.js';
import { fieldNamed } from './lead-fields.js';
import { languageTag, languageWords } from './language-tags.js';
import { stateOf } from './states.js';

type Value = string | number | boolean;
type Kind = 'country' | 'language' | 'state' | 'text';

/** Without regard to case, to spaces around it, and to how accents are encoded. */
const wordOf = (value: Value) => String(value).trim().toLowerCase().normalize('NFC');

/** A number of the rules is marked: as a text, `7` is not `007`, and as a number it is. */
const listedWord = (value: Value) => (typeof value === 'number' ? `#${value}` : wordOf(value));

/** The words by which the values of a list are found; `valueWords` gives those of a lead's value. */
export function listWords(field: string, list: readonly Value[]): ReadonlySet<string> {
  const kind = kindOf(field);
  return new Set(list.flatMap((each) => [listedWord(each), ...(kind === 'text' ? [] : meaningOf(kind, String(each)))]));
}

/**
 * The words of a lead's value: one that is also in `listWords` means that the value is in the list. `Germany` is `DE`,
 * `de-AT` is `de`, `California` is `CA`, and `7.0` is the number 7.
 * @param country of the lead as it was sent.
 */
export function valueWords(field: string, value: Value, country: string | undefined): string[] {
  const word = wordOf(value);
  const kind = kindOf(field);
  const words = [word];
  if (kind === 'language') words.push(...languageWords(word));
  else if (kind === 'country') words.push(...meaningOf(kind, word));
  else if (kind === 'state' && isStateOf(word, country)) words.push(...meaningOf(kind, word));
  if (/^[\d.+-]/u.test(word)) words.push(`#${Number(word)}`);
  return words;
}

function meaningOf(kind: Exclude<Kind, 'text'>, text: string): string[] {
  const code = {
    country: () => countryCode(text)?.toLowerCase(),
    language: () => languageTag(text),
    state: () => stateOf(text)?.code,
  };
  return [code[kind]() ?? []].flat();
}

/** Two letters are states or countries in several places, so the country must be known; a name is enough. */
function isStateOf(word: string, country: string | undefined): boolean {
  return country === undefined ? word.length > 2 : countryCode(country) === stateOf(word)?.country;
}

function kindOf(field: string): Kind {
  const named = fieldNamed(field);
  if (named === 'country' || named === 'language') return named;
  return named === 'region' ? 'state' : 'text';
}
