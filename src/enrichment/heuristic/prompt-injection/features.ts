import { z } from 'zod';
import { LEXICON, newIndex } from '../lexicon.js';
import source from '../steering.json' with { type: 'json' };
import { startOfOrder } from './orders.js';
import { readText, SENTENCE, type Text } from '../text.js';

const number = z.number().min(0).max(1);
const { groups, weights, ...limits } = z
  .strictObject({
    _about: z.string(),
    limit: number,
    besidePhrase: number,
    doubt: number,
    hint: number,
    groups: z.record(z.string(), z.string()),
    weights: z.record(z.string(), z.number()),
  })
  .parse(source);

/** Groups of words that an honest enquiry uses; the others are kinds of steering. */
const HONEST = new Set(['we', 'yours', 'ours', 'asksus', 'trouble', 'enquires']);
const PHRASE = 'phrase';
const INDEX = newIndex<string>().add(LEXICON.injection.phrases, PHRASE);
for (const [name, phrases] of Object.entries(groups)) INDEX.add(phrases, name);

/** What the text looks like, whatever its words. */
const SHAPES: Record<string, RegExp> = {
  code: /[{}<>|`]|\]\s*\[|--\s|&&|\bnull\b|[;'"]\s*return\b|\\n|#{2,}|-{4,}|>{2,}|\w\(["']/,
  keys: /["']\s*:\s*["'{[\d]|\b[\w-]+\s*=\s*["']?[\w-]|^X-[\w-]+:/im,
  form: /(?:(?:^|[\n.;,(])\s*[\p{L}][\p{L} _-]{1,24}[:：]\s*[^\s:：][^:：\n]{0,60}){2}/u,
  caps: /(?:\b\p{Lu}{4,}\b[^\p{L}]+){2}/u,
};
const STEERING_KINDS = Object.keys(groups).filter((name) => !HONEST.has(name));

/** Kinds that say more together than each does alone. */
const TOGETHER = [
  'judges+extreme',
  'judges+labels',
  'judges+subject',
  'orders+labels',
  'orders+subject',
  'orders+judges',
  'orders+rules',
  'orders+extreme',
  'subject+tells',
  'subject+claims',
  'subject+labels',
  'machine+orders',
  'text+orders',
  'text+judges',
  'text+tells',
  'text+labels',
  'text+subject',
  'record+claims',
  'record+tells',
  'address+judges',
  'address+labels',
  'pleads+labels',
  'enquires+yours',
  'we+ours',
].map((name) => [name, ...name.split('+')] as [string, string, string]);
const SEVERAL = 3;
const MANY = 5;
export const STEERING_FEATURES = [
  'always',
  ...Object.keys(groups),
  PHRASE,
  ...Object.keys(SHAPES),
  ...TOGETHER.map(([name]) => name),
  'several',
  'many',
  'short',
];
const SHORT = 5;
/** A second hit of a group says more than the first alone, a third hardly. */
const MAX_HITS = 2;
/** Orders are a few sentences; a text of hundreds must not cost more time than an honest one. */
const MAX_SENTENCES = 40;

export interface Segment {
  /** The word that it begins with. */
  start: number;
  features: Record<string, number>;
}

/** What is counted in each sentence, each two in a row, and the whole of a text. */
export function segmentsOf(raw: string, text: Text = readText(raw)): Segment[] {
  const begins = text.words.flatMap((_, at) => (text.breaks[at] === SENTENCE ? [at] : [])).slice(0, MAX_SENTENCES);
  const perSentence = begins.map(() => ({}) as Record<string, number>);
  const seen = new Map<string, number>();
  let sentence = 0;
  for (const { payload, start } of INDEX.findAll(text)) {
    if (seen.get(payload) === start) continue;
    seen.set(payload, start);
    while (sentence + 1 < begins.length && begins[sentence + 1]! <= start) sentence++;
    const counts = perSentence[sentence];
    if (counts) counts[payload] = (counts[payload] ?? 0) + 1;
  }
  const shape = Object.fromEntries(Object.entries(SHAPES).flatMap(([name, pattern]) => (pattern.test(raw) ? [[name, 1]] : [])));
  const ends = [...begins.slice(1), text.words.length];
  const segment = (from: number, to: number): Segment => ({
    start: begins[from]!,
    features: featuresOf(perSentence.slice(from, to + 1), ends[to]! - begins[from]!, shape),
  });
  const last = begins.length - 1;
  const alone = begins.map((_, at) => segment(at, at));
  const pairs = begins.slice(1).map((_, at) => segment(at, at + 1));
  return [...alone, ...pairs, ...(last > 1 ? [segment(0, last)] : [])];
}

function featuresOf(sentences: Record<string, number>[], words: number, shape: Record<string, number>): Record<string, number> {
  const features: Record<string, number> = { always: 1, ...shape };
  for (const counts of sentences)
    for (const [name, count] of Object.entries(counts)) features[name] = Math.min((features[name] ?? 0) + count / MAX_HITS, 1);
  // An honest sentence has none of the groups or one, so nothing of it comes together.
  const isPlain = sentences.every((counts) => Object.keys(counts).length < 2) && sentences.length < 2;
  if (!isPlain)
    for (const [name, one, other] of TOGETHER)
      if (features[one] !== undefined && features[other] !== undefined) features[name] = 1;
  const kinds = isPlain ? 0 : STEERING_KINDS.filter((name) => features[name] !== undefined).length;
  if (kinds >= SEVERAL) features['several'] = 1;
  if (kinds >= MANY) features['many'] = 1;
  if (words < SHORT) features['short'] = 1;
  return features;
}

/** The likelihood that words of this kind speak to the scorer. */
export function likelihoodOf(features: Record<string, number>, by: Record<string, number> = weights): number {
  let sum = 0;
  for (const name in features) sum += features[name]! * (by[name] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}

/** The likelihoods from which a text is an order, is one beside a phrase of orders, and earns no points. */
export const STEERING = limits;

export interface Steering {
  /** Of the most suspect passage. */
  likelihood: number;
  /** A passage uses a phrase of orders. */
  spoken: boolean;
  /** The words of a passage read like an order. */
  ordered: boolean;
  /** The first word of the first passage in doubt. */
  start: number;
}

/** What the passages of a text say for an order to the scorer. */
export function findSteering(raw: string, text: Text): Steering {
  let likelihood = 0;
  let spoken = false;
  let start = Infinity;
  for (const segment of segmentsOf(raw, text)) {
    const own = likelihoodOf(segment.features);
    if (own > likelihood) likelihood = own;
    const said = segment.features[PHRASE] !== undefined;
    if (said) spoken = true;
    if ((said || own >= limits.doubt) && segment.start < start) start = segment.start;
  }
  const order = likelihood >= limits.hint ? startOfOrder(text) : Infinity;
  return { likelihood, spoken, ordered: order < Infinity, start: Math.min(start, order) };
}
