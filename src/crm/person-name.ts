import type { LeadContent } from '../domain/lead.js';
import { isConsumerDomain } from './consumer-domains.js';
import {
  CONNECTORS,
  DEGREES,
  DEGREES_IN_CAPITALS,
  DOUBTFUL_DEGREES,
  DOUBTFUL_GENERATIONS,
  DOUBTFUL_HONORIFICS,
  FACULTIES,
  FIRST_OF_TWO,
  FOLLOWERS,
  GENERATIONS,
  HONORIFICS,
  LEGAL_FORMS,
  LOWER_CASE_PARTICLES,
  PARTICLES,
  POSITIONS,
  RANKS,
} from './name-words.js';

export const NOT_PROVIDED = '[not provided]';

export interface PersonName {
  salutation: string | null;
  firstName: string | null;
  lastName: string;
  /** Generation and degrees, as written: `Jr.`, `III`, `PhD`. */
  suffix: string | null;
}

/** Han, kana or hangul: which part is the family name is not marked, so such a name stays whole. */
const EAST_ASIAN = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u;
/** Anything else between commas is text and not a name (a formula, a sentence), and stays whole. */
const NAME_PART = /^[\p{L}\p{M}\p{N}\s.'’`´′＇"“”„\-()/&]+$/u;
/**
 * Emojis, and characters that show as nothing: they are in a name by accident. (A joiner is part of Persian and Indian
 * names.)
 */
const NO_PART =
  /\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/gu;

/**
 * Splits a full name. A CRM Lead needs a last name, so there always is one: a name of one word, or one that cannot be
 * split, is the last name as a whole. Understands "Last, First", particles, double family names, honorifics,
 * generations and degrees.
 */
export function splitName(name: string | null): PersonName {
  const raw = (name ?? '').trim().replaceAll(/\s+/gu, ' ').replaceAll('，', ',');
  const whole = bareName(raw.replaceAll(NO_PART, '').trim().replaceAll(/\s+/gu, ' ')) || raw;
  if (whole === '') return { salutation: null, firstName: null, lastName: NOT_PROVIDED, suffix: null };
  const unsplit = { salutation: null, firstName: null, lastName: whole, suffix: null };
  // "Ann Lee - Acme": which part is the name is not marked.
  if (EAST_ASIAN.test(whole) || whole.includes(' - ') || !whole.split(',').every((part) => NAME_PART.test(`${part} `)))
    return unsplit;
  const suffixes: string[] = [];
  const afterComma: string[] = [];
  const parts = withoutSuffixParts(whole.replace(/\s*\([^)]*\)$/u, '').split(','), afterComma);
  const salutations: string[] = [];
  const [before = [], ...after] = parts.map((part) => part.split(' '));
  const words = takeSuffixes(takeHonorifics(before, salutations), suffixes);
  const given = takeSuffixes(takeHonorifics(after.flat(), salutations), suffixes);
  suffixes.push(...afterComma);
  const [firstName, lastName] = given.length > 0 ? withParticles(given, words) : divided(words);
  if (lastName.join('') === '') return unsplit;
  return {
    salutation: joined(salutations),
    firstName: joined(firstName),
    lastName: lastName.join(' '),
    suffix: joined(suffixes),
  };
}

/** `Ann Lee <ann@acme.com>` as mail programs copy it. */
const ADDRESS = /\s*[<([]?[^\s<>()[\],@]+@[^\s<>()[\],@]+[>)\]]?$/u;
const WRAPPED = /^(?:"([^"]+)"|'([^']+)'|“([^”]+)”|„([^“]+)“|«([^»]+)»|\(([^()]+)\)|\[([^[\]]+)\])$/u;
/** `she/her`, in brackets or not. */
const PRONOUNS =
  /[\s,(]+(?:she|her|hers|he|him|his|they|them|theirs|sie|ihr|er|ihm|elle|il|iel)(?:\/(?:she|her|hers|he|him|his|they|them|theirs|sie|ihr|er|ihm|elle|il|iel))+\)?$/iu;
const NO_LETTER = /^[^\p{L}]+$/u;

/** Without what stands around a name: quotation marks, brackets, an address, pronouns, dashes, semicolons, numbers. */
function bareName(text: string): string {
  let name = text;
  for (let before = ''; before !== name;) {
    before = name;
    name = name.replace(ADDRESS, (found, at: number) => (at === 0 ? found : '')).replace(PRONOUNS, '');
    name = name.replace(/^[.;:|]+\s*/u, '').replace(/\s*[;:|]+$/u, '');
    name =
      WRAPPED.exec(name)
        ?.slice(1)
        .find((inner) => inner !== undefined) ?? name;
    const words = name.split(' ');
    const start = words.findIndex((word) => !NO_LETTER.test(word));
    const end = words.findLastIndex((word) => !NO_LETTER.test(word));
    // Several such words, as "+49 30 …", say something that must stay. The number of "Visitor 7" is the last name.
    const outside = [...words.slice(0, start), ...words.slice(end + 1)];
    const isNumber = /\p{N}/u.test(outside.join(''));
    if (start >= 0 && outside.length === 1 && (!isNumber || end > start)) name = words.slice(start, end + 1).join(' ');
  }
  return name.trim();
}

/** `Beethoven, Ludwig van` is how lists sort Ludwig van Beethoven. */
function withParticles(given: string[], family: string[]): [string[], string[]] {
  let end = given.length;
  while (end > 1 && isParticle(given[end - 1]!, true)) end--;
  return [given.slice(0, end), [...given.slice(end), ...family]];
}

/** Names of attributes as forms and Marketo spell them, without case, spaces and punctuation. */
const FIRST_NAME_KEYS = new Set(['firstname', 'givenname', 'forename', 'fname']);
const LAST_NAME_KEYS = new Set(['lastname', 'familyname', 'surname', 'lname']);

/**
 * The person's name: of the attributes `first_name` and `last_name` (in any usual spelling) where sent, else of the
 * full name.
 */
export function personNameOf({ name, attributes }: Pick<LeadContent, 'name' | 'attributes'>): PersonName {
  const first = attributeOf(attributes, FIRST_NAME_KEYS);
  const last = attributeOf(attributes, LAST_NAME_KEYS);
  const split = splitName(name);
  if (last !== null) return { ...split, firstName: first ?? split.firstName, lastName: last };
  if (first === null) return split;
  return { ...split, firstName: first, lastName: first === split.lastName ? NOT_PROVIDED : split.lastName };
}

const COMPANY_KEYS = new Set(['company', 'companyname', 'account', 'organization', 'organisation']);

/**
 * A CRM Lead needs a company too: what was sent, else the domain of the address, which at least says where to look. The
 * domain of a mail provider is not a company.
 */
export function companyOf(lead: Pick<LeadContent, 'email' | 'attributes'>): string {
  return attributeOf(lead.attributes, COMPANY_KEYS) ?? companyDomainOf(lead.email) ?? NOT_PROVIDED;
}

/** The domain of an address; null where it belongs to a mail provider. */
export function companyDomainOf(email: string): string | null {
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return domain === '' || isConsumerDomain(domain) ? null : domain;
}

function attributeOf(attributes: Record<string, string>, keys: Set<string>): string | null {
  for (const [key, value] of Object.entries(attributes)) {
    const last = key.toLowerCase().split('.').at(-1)!;
    if (value.trim() !== '' && keys.has(last.replaceAll(/[^\p{L}]/gu, ''))) return value.trim().replaceAll(/\s+/gu, ' ');
  }
  return null;
}

/** `Mr. & Mrs. Lee`, `Herr und Frau Lee` */
const AND = new Set(['&', 'and', 'und', 'et']);
const bare = (word: string) => word.toLowerCase().replaceAll('.', '');
const joined = (words: string[]) => (words.length > 0 ? words.join(' ') : null);

/** `Ann Lee, PhD, MBA`: what follows a comma and is nothing but suffixes goes. `LEE, Ann` stays two parts. */
function withoutSuffixParts(parts: string[], suffixes: string[]): string[] {
  const [first = '', ...rest] = parts.map((part) => part.trim()).filter((part) => part !== '');
  const several = first.includes(' ');
  const kept = [first];
  for (const part of rest) {
    const words = part.split(/[\s/&]+/u);
    const hasName = several || kept.length > 1;
    if (words.every((word) => isSuffix(word) || (hasName && isDoubtfulDegree(word))) || (hasName && isNoName(words)))
      suffixes.push(part);
    else kept.push(part);
  }
  return kept;
}

/** A position or a company behind a name. */
function isNoName(words: string[]): boolean {
  return words.some((word) => POSITIONS.has(word.toLowerCase())) || (words.length > 1 && LEGAL_FORMS.has(bare(words.at(-1)!)));
}

function isSuffix(word: string): boolean {
  const text = bare(word);
  if (DOUBTFUL_GENERATIONS.has(text) && word !== word.toUpperCase()) return false;
  return GENERATIONS.has(text) || DEGREES.has(text);
}

function isDoubtfulDegree(word: string): boolean {
  return DOUBTFUL_DEGREES.has(word.replaceAll('.', ''));
}

function takeHonorifics(words: string[], taken: string[]): string[] {
  let rest = words;
  while (rest.length > 1) {
    const [word = '', ...more] = rest;
    if (taken.length > 0 && AND.has(word) && more.length > 1 && HONORIFICS.has(bare(more[0]!))) {
      taken.push(word, more[0]!);
      rest = more.slice(1);
      continue;
    }
    const sure = word.endsWith('.') || more.length > 1 || !DOUBTFUL_HONORIFICS.has(bare(word));
    const isFaculty = taken.length > 0 && ((word.endsWith('.') && FACULTIES.has(bare(word))) || /^\([^()]+\)$/u.test(word));
    const isRank = word.endsWith('.') && RANKS.has(bare(word));
    if (!isFaculty && !isRank && (!HONORIFICS.has(bare(word)) || !sure)) break;
    taken.push(word);
    rest = more;
  }
  return rest;
}

/** From the end, as long as a word is left. Degrees that are also names need their dots here. */
function takeSuffixes(words: string[], taken: string[]): string[] {
  const rest = [...words];
  const found: string[] = [];
  while (rest.length > 1) {
    const word = rest.at(-1)!;
    const before = rest.at(-2)!;
    const isDegree = word.includes('.')
      ? isDoubtfulDegree(word)
      : DEGREES_IN_CAPITALS.has(word) && before !== before.toUpperCase();
    if (!isSuffix(word) && !(isDegree && rest.length > 2)) break;
    found.unshift(rest.pop()!);
  }
  taken.push(...found);
  return rest;
}

/** First and last names of words in their usual order. */
function divided(words: string[]): [string[], string[]] {
  if (words.length < 2) return [[], words];
  if (isParticle(words[0]!, true)) return [[], words];
  const marked = byCapitals(words) ?? byPatronymic(words);
  if (marked) return marked;
  let start = words.length - 1;
  if (start > 1 && FOLLOWERS.has(bare(words[start]!))) start--;
  if (start > 1 && FIRST_OF_TWO.has(plain(words[start - 1]!))) start--;
  for (;;) {
    const previous = words[start - 1];
    if (start > 2 && previous !== undefined && CONNECTORS.has(previous)) start -= 2;
    else if (start > 1 && previous !== undefined && (isParticle(previous, false) || /^(?:Al|El)$/u.test(previous))) start--;
    else if (start > 2 && previous === 'und' && isParticle(words[start - 2]!, false)) start -= 2;
    else break;
  }
  return [words.slice(0, start), words.slice(start)];
}

/** `DUPONT Jean`, `Jean DUPONT MARTIN`: capitals mark the family name where the other words have none. */
function byCapitals(words: string[]): [string[], string[]] | null {
  const capitals = words.map((word) => /^[\p{Lu}\p{M}'’-]{3,}$/u.test(word) && word.replaceAll(/[^\p{Lu}]/gu, '').length >= 3);
  const others = words.filter((_, index) => !capitals[index]);
  if (others.length === 0 || !others.some((word) => /^\p{Lu}\p{M}*\p{Ll}/u.test(word))) return null;
  const first = capitals.indexOf(true);
  const last = capitals.lastIndexOf(true);
  if (first < 0 || capitals.slice(first, last + 1).includes(false)) return null;
  if (first === 0) return [words.slice(last + 1), words.slice(0, last + 1)];
  // Particles before it are found by the usual rules.
  return last === words.length - 1 && last > first ? [words.slice(0, first), words.slice(first)] : null;
}

/** `Иванов Иван Иванович`: a patronymic at the end shows that the family name comes first. */
function byPatronymic(words: string[]): [string[], string[]] | null {
  const isPatronymic = /(?:вич|вна|ична|инична)$/u.test(words.at(-1)!);
  return isPatronymic && words.length === 3 ? [words.slice(1), words.slice(0, 1)] : null;
}

function isParticle(word: string, leading: boolean): boolean {
  const lower = word.toLowerCase();
  if (!PARTICLES.has(lower) && !LOWER_CASE_PARTICLES.has(lower)) return false;
  return leading || LOWER_CASE_PARTICLES.has(lower) ? word === lower : true;
}

function plain(word: string): string {
  return word.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}
