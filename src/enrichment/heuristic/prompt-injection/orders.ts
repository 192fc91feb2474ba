import { z } from 'zod';
import { bucketsOf, BUCKETS, lexicalValue } from '../lexical.js';
import source from '../orders.json' with { type: 'json' };
import { SENTENCE, type Text } from '../text.js';

const { limit, bias, scale, weights } = z
  .strictObject({ _about: z.string(), limit: z.number(), bias: z.number(), scale: z.number(), weights: z.base64() })
  .parse(source);
/** One weight per bucket. One unit is `scale`. */
const WEIGHTS = new Int8Array(Buffer.from(weights, 'base64'));
if (WEIGHTS.length !== BUCKETS) throw new Error('orders.json has another number of weights than lexical.ts.');

/** A title or a short wish shares its few words with orders. */
const MIN_WORDS = 4;
/** A text of hundreds of sentences must not cost more time than an honest one. */
const MAX_SENTENCES = 40;

/** The whole text and each of its sentences, with the word that each begins with. */
export function passagesOf({ words, breaks }: Text): { start: number; text: Text }[] {
  const begins = words.flatMap((_, at) => (breaks[at] === SENTENCE ? [at] : [])).slice(0, MAX_SENTENCES);
  const part = (from: number, to: number) => ({
    start: from,
    text: { words: words.slice(from, to), breaks: breaks.slice(from, to) },
  });
  const sentences = begins.map((from, at) => part(from, begins[at + 1] ?? words.length));
  return sentences.length > 1 ? [...sentences, part(0, words.length)] : sentences;
}

/**
 * The first word of a passage whose words read like an order to the scorer; Infinity where there is none. It finds
 * wordings that no group of steering.json names, so it is a doubt and no proof.
 */
export function startOfOrder(text: Text): number {
  const starts = passagesOf(text)
    .filter((passage) => passage.text.words.length >= MIN_WORDS && likelihoodOf(passage.text) >= limit)
    .map(({ start }) => start);
  return Math.min(Infinity, ...starts);
}

function likelihoodOf(text: Text): number {
  const buckets = bucketsOf(text);
  let sum = 0;
  for (const bucket of buckets) sum += WEIGHTS[bucket]!;
  return 1 / (1 + Math.exp(-(bias + sum * scale * lexicalValue(buckets.size))));
}
