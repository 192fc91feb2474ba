import { fold, NO_BREAK, SENTENCE, type Text } from './text.js';

/** One place in a text where a phrase was found; `end` is exclusive. */
export interface Match<T> {
  payload: T;
  start: number;
  end: number;
  /** The positions of the words that the phrase names, without those in its gaps. */
  named: number[];
}

type Element = 'gap' | WordTest;

interface WordTest {
  exact: Set<string>;
  /** Patterns with a star, as a test. */
  wild: ((word: string) => boolean)[];
  prefixes: string[];
  number: boolean;
  /** No word in Latin letters fits any of `wild`. */
  foreign: boolean;
}

interface Phrase<T> {
  payload: T;
  elements: Element[];
  fromStart: boolean;
  toEnd: boolean;
}

const MAX_GAP = 3;
/** Each gap may be read in four ways, so the ways multiply. */
const MAX_GAPS = 3;
const ASCII = /^\p{ASCII}*$/u;
const PREFIX_KEY = 3;
/** The characters of the words of a text. */
const IN_TEXT = /^[\p{L}\p{N}$€£]+$/u;
/**
 * Texts repeat their words, so the phrases that begin with a word are looked up once. Long words are not remembered:
 * each would keep its whole text in memory.
 */
const MAX_REMEMBERED = 4096;
const MAX_REMEMBERED_LENGTH = 12;

/** Word lists that phrases refer to as `@name`. */
export type WordLists = Record<string, readonly string[]>;

/**
 * Finds many phrases in one pass: each word leads straight to the few phrases that can begin with it, so the time grows
 * with the text and hardly with the number of phrases. lexicon.json describes the notation.
 */
export class PhraseIndex<T> {
  private readonly byWord = new Map<string, Phrase<T>[]>();
  private readonly byPrefix = new Map<string, Phrase<T>[]>();
  private readonly anywhere: Phrase<T>[] = [];
  /** Those that only a word in another script can begin: in Chinese a word is a whole clause, so they look inside. */
  private readonly anywhereForeign: Phrase<T>[] = [];
  private readonly numbers: Phrase<T>[] = [];
  private readonly remembered = new Map<string, Phrase<T>[]>();

  constructor(private readonly lists: WordLists = {}) {}

  /** Adds phrases that are separated by semicolons. */
  add(phrases: string | readonly string[], payload: T): this {
    const lines = typeof phrases === 'string' ? [phrases] : phrases;
    for (const line of lines) {
      for (const source of line.split(';')) if (source.trim() !== '') this.file(this.compile(source.trim(), payload));
    }
    return this;
  }

  findAll({ words, breaks }: Text): Match<T>[] {
    const found: Match<T>[] = [];
    // Most phrases that can begin with a word do not match, and leave it empty.
    const named: number[] = [];
    for (let at = 0; at < words.length; at++) {
      for (const phrase of this.beginningWith(words[at]!)) {
        if (phrase.fromStart && breaks[at] !== SENTENCE) continue;
        const end = matchFrom(phrase, 1, words, breaks, at + 1, named);
        if (end < 0) continue;
        named.push(at);
        found.push({ payload: phrase.payload, start: at, end, named: named.toReversed() });
        named.length = 0;
      }
    }
    return found;
  }

  private beginningWith(word: string): Phrase<T>[] {
    const known = this.remembered.get(word);
    if (known) return known;
    const lists = [
      this.byWord.get(word),
      this.byPrefix.get(word.slice(0, PREFIX_KEY)),
      isNumber(word) ? this.numbers : [],
      this.anywhere,
      ASCII.test(word) ? [] : this.anywhereForeign,
    ];
    const phrases = lists.flatMap((list) => (list ?? []).filter(({ elements }) => accepts(elements[0] as WordTest, word)));
    if (word.length <= MAX_REMEMBERED_LENGTH) {
      if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
      this.remembered.set(word, phrases);
    }
    return phrases;
  }

  private compile(source: string, payload: T): Phrase<T> {
    const parts = wordsOf(source);
    const fromStart = parts[0] === '^';
    const toEnd = parts.at(-1) === '$' && parts.length > 1;
    const body = parts.slice(fromStart ? 1 : 0, toEnd ? -1 : undefined);
    if (body.length === 0 || body[0] === '~' || body.at(-1) === '~') throw new Error(`must begin and end with a word: ${source}`);
    if (body.filter((part) => part === '~').length > MAX_GAPS) throw new Error(`has more than ${MAX_GAPS} gaps: ${source}`);
    return { payload, fromStart, toEnd, elements: body.map((part) => (part === '~' ? 'gap' : this.wordTest(part))) };
  }

  private wordTest(part: string): WordTest {
    const test: WordTest = { exact: new Set(), wild: [], prefixes: [], number: false, foreign: true };
    for (const option of part.split('|').flatMap((name) => this.expand(name))) {
      const core = option.replaceAll('*', '');
      if (option !== '#' && !IN_TEXT.test(core)) throw new Error(`has a character that no word of a text has: ${part}`);
      if (option === '#') test.number = true;
      else if (core === option) test.exact.add(option);
      else if (option.startsWith('*')) {
        if (ASCII.test(core)) test.foreign = false;
        test.wild.push(option.endsWith('*') ? (word) => word.includes(core) : (word) => word.endsWith(core));
      } else {
        if (core.length < PREFIX_KEY) throw new Error(`needs ${PREFIX_KEY} letters before the star: ${option}`);
        test.prefixes.push(core);
      }
    }
    return test;
  }

  private expand(option: string): readonly string[] {
    if (!option.startsWith('@')) return [option];
    const list = this.lists[option.slice(1)];
    if (list === undefined) throw new Error(`names a word list that does not exist: ${option}`);
    return list;
  }

  private file(phrase: Phrase<T>): void {
    this.remembered.clear();
    const first = phrase.elements[0] as WordTest;
    for (const word of first.exact) append(this.byWord, word, phrase);
    for (const key of new Set(first.prefixes.map((prefix) => prefix.slice(0, PREFIX_KEY)))) append(this.byPrefix, key, phrase);
    if (first.wild.length > 0) (first.foreign ? this.anywhereForeign : this.anywhere).push(phrase);
    if (first.number) this.numbers.push(phrase);
  }
}

const INSIDE_WORD = /(?<=[\p{L}\p{N}])['.&/-](?=[\p{L}\p{N}])/gu;

/** The parts of a phrase, with its words taken apart as those of a message are: `on-premise` is two words. */
function wordsOf(source: string): string[] {
  const parts = fold(source).replaceAll("n't", 'nt').trim().split(/\s+/);
  const isSplit = (part: string) => part.search(INSIDE_WORD) >= 0;
  const wrong = parts.find((part) => part.includes('|') && isSplit(part));
  if (wrong !== undefined) throw new Error(`has punctuation inside alternatives: ${wrong}`);
  return parts.flatMap((part) => (isSplit(part) ? part.replaceAll(INSIDE_WORD, ' ').split(' ') : [part]));
}

/** What is wrong with a line of phrases, one message per phrase. */
export function phraseProblems(line: string, lists: WordLists): string[] {
  if (/^[\s;]*$/.test(line)) return ['has no phrase'];
  return line.split(';').flatMap((phrase) => {
    if (phrase.trim() === '') return [];
    try {
      new PhraseIndex<null>(lists).add(phrase, null);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

/** The end of the match, or -1. Fills `named` from the last word to the first. */
function matchFrom(
  phrase: Phrase<unknown>,
  index: number,
  words: readonly string[],
  breaks: readonly number[],
  at: number,
  named: number[],
): number {
  const element = phrase.elements[index];
  if (element === undefined) return phrase.toEnd && at < words.length && breaks[at] === NO_BREAK ? -1 : at;
  if (element === 'gap') {
    for (let skipped = 0; skipped <= MAX_GAP; skipped++) {
      const end = matchFrom(phrase, index + 1, words, breaks, at + skipped, named);
      if (end >= 0) return end;
      if (at + skipped >= words.length || breaks[at + skipped] === SENTENCE) return -1;
    }
    return -1;
  }
  if (at >= words.length || (index > 0 && breaks[at] === SENTENCE) || !accepts(element, words[at]!)) return -1;
  const end = matchFrom(phrase, index + 1, words, breaks, at + 1, named);
  if (end >= 0) named.push(at);
  return end;
}

function accepts(test: WordTest, word: string): boolean {
  if (test.exact.has(word)) return true;
  if (test.number && isNumber(word)) return true;
  for (const prefix of test.prefixes) if (word.startsWith(prefix)) return true;
  for (const matches of test.wild) if (matches(word)) return true;
  return false;
}

function isNumber(word: string): boolean {
  const code = word.charCodeAt(0);
  return code >= 48 && code <= 57;
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
