import { SENTENCE, type Text } from './text.js';

/** The number of weights per intent. Features share them by hash: a rare collision costs less than a list of names. */
export const BUCKETS = 2 ** 15;

/** A message of hundreds of words must not cost more time than an honest one, and it says its purpose early. */
const MAX_WORDS = 300;
const GRAMS = [4, 5];
const MAX_WORD = 30;
const NUMBER = /^\p{N}/u;
/** Scripts without blanks between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

const OFFSET = 2166136261;
const PRIME = 16777619;

/** The kinds of features, as the first character of what is hashed. */
const [WORD, PAIR, GRAM, CHARACTERS] = [...'wbgc'].map((kind) => kind.charCodeAt(0)) as [number, number, number, number];

/**
 * FNV-1a with a final mix, since the low bits of FNV-1a alone are uneven. It reads a part of a text in place, because
 * copies of parts would take most of the time.
 */
function bucketOf(kind: number, text: string, from = 0, to = text.length): number {
  let hash = Math.imul(OFFSET ^ kind, PRIME);
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % BUCKETS;
}

/**
 * The buckets of a text's words, pairs of neighbours and parts of words. They generalise over inflections and over
 * words that no group of cues.json names.
 */
export function bucketsOf({ words, breaks }: Text): Set<number> {
  const buckets = new Set<number>();
  let before = '^';
  for (let at = 0; at < words.length && at < MAX_WORDS; at++) {
    const word = NUMBER.test(words[at]!) ? '#' : words[at]!.slice(0, MAX_WORD);
    if (breaks[at] === SENTENCE) before = '^';
    if (UNSPACED.test(word)) addCharacters(word, buckets);
    else {
      buckets.add(bucketOf(WORD, word));
      buckets.add(bucketOf(PAIR, `${before} ${word}`));
      const framed = `<${word}>`;
      for (const size of GRAMS)
        for (let from = 0; from + size <= framed.length; from++) buckets.add(bucketOf(GRAM, framed, from, from + size));
    }
    before = word;
  }
  return buckets;
}

/** The value of each bucket of a text: a long text must not count more than a short one. */
export function lexicalValue(buckets: number): number {
  return 1 / Math.sqrt(Math.max(1, buckets));
}

function addCharacters(word: string, buckets: Set<number>): void {
  for (let size = 1; size <= 3; size++)
    for (let from = 0; from + size <= word.length; from++) buckets.add(bucketOf(CHARACTERS, word, from, from + size));
}
