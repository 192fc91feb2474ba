import { z } from 'zod';
import source from './cues.json' with { type: 'json' };
import lexicalSource from './lexical.json' with { type: 'json' };
import { bucketsOf, BUCKETS, lexicalValue } from './lexical.js';
import { newIndex } from './lexicon.js';
import type { Text } from './text.js';

export const CLASSES = ['high', 'medium', 'low', 'none'] as const;
type Class = (typeof CLASSES)[number];

const weights = z.record(z.string(), z.number());
const { groups, weights: WEIGHTS } = z
  .strictObject({
    _about: z.string(),
    groups: z.record(z.string(), z.string()),
    weights: z.strictObject({ high: weights, medium: weights, low: weights, none: weights }),
  })
  .parse(source);

const lexical = z.strictObject({ _about: z.string(), scale: z.number(), weights: z.base64() }).parse(lexicalSource);
/** Four weights per bucket, in the order of CLASSES. One unit is `scale`. */
const LEXICAL = new Int8Array(Buffer.from(lexical.weights, 'base64'));
if (LEXICAL.length !== BUCKETS * CLASSES.length) throw new Error('lexical.json has another number of weights than lexical.ts.');

export const CUE_GROUPS = Object.keys(groups);
const PLACE_OF_GROUP = new Map(CUE_GROUPS.map((name, place) => [name, place]));
const INDEX = newIndex<string>();
for (const [name, phrases] of Object.entries(groups)) INDEX.add(phrases, name);

/** A second hit of a group says more than the first alone, a third hardly. */
const MAX_HITS = 2;
const SHORT = 6;
/** Who has a request of their own writes more than who wants a recording. */
const LONG_CHARS = 160;
const FULL_CHARS = 300;
const AMPLE = 4;
/** They occur in any message. */
const AMBIENT = new Set(['we', 'you', 'not', 'time', 'size']);

export type Cues = Record<string, number>;

export interface CueReading {
  intent: Class;
  /** 0 to 1. */
  probability: Record<Class, number>;
  /** Long enough for its words as a whole to stay what they are, whatever is said in the next paragraph. */
  ample: boolean;
  /** The groups that spoke for it most. */
  reasons: string[];
}

/** What phrases of the profile are called among the cues. */
export const saidCue = (family: string, negated: boolean) => `${negated ? 'denies' : 'says'}:${family}`;
export const PITCH_CUE = 'pitch';
/** Any wish of a buyer. */
export const WISH_CUE = 'wish';
/** A refusal or the denial of a wish, and no wish after it. */
export const REFUSED_CUE = 'refused';
const SAID = saidCue('', false);
const FITTED = new Set(Object.keys(WEIGHTS.high).flatMap((cue) => (cue.startsWith(SAID) ? [cue.slice(SAID.length)] : [])));
/** Whether a family of phrases was among those that the weights were fitted to. */
export const isFitted = (family: string) => FITTED.has(family);

/** How often each group of words occurs, but for words at `ignored` places, and the shape of the message. */
export function cuesOf(message: string, text: Text, ignored: ReadonlySet<number>): Cues {
  const cues: Cues = { always: 1 };
  const places = new Map<string, Set<number>>();
  for (const { payload, start } of INDEX.findAll(text)) {
    if (ignored.has(start)) continue;
    const set = places.get(payload) ?? new Set();
    places.set(payload, set.add(start));
  }
  for (const [name, set] of places) cues[name] = Math.min(set.size, MAX_HITS) / MAX_HITS;
  if (/[?？؟]/.test(message)) cues['question'] = 1;
  if (text.words.length < SHORT) cues['short'] = 1;
  const { length } = message.trim();
  if (length > LONG_CHARS) cues['long'] = 1;
  cues['length'] = Math.min(1, length / FULL_CHARS);
  return cues;
}

/** What the words themselves speak for, by intent. */
function lexicalSums(text: Text): number[] {
  const sums = CLASSES.map(() => 0);
  const buckets = bucketsOf(text);
  for (const bucket of buckets) for (let at = 0; at < CLASSES.length; at++) sums[at]! += LEXICAL[bucket * CLASSES.length + at]!;
  const unit = lexical.scale * lexicalValue(buckets.size);
  return sums.map((sum) => sum * unit);
}

/** null where no phrase and no word of a group occurs: the other words alone decide nothing. */
export function readCues(cues: Cues, text: Text): CueReading | null {
  const names = Object.keys(cues);
  // A message has a few of the many groups.
  const groups = names.filter((name) => PLACE_OF_GROUP.has(name)).sort((a, b) => PLACE_OF_GROUP.get(a)! - PLACE_OF_GROUP.get(b)!);
  const phrases = PITCH_CUE in cues || names.some((name) => name.includes(':'));
  if (!phrases && groups.every((name) => AMBIENT.has(name))) return null;
  const words = lexicalSums(text);
  const sums = CLASSES.map((name, at) => {
    let sum = words[at]!;
    for (const cue in cues) sum += cues[cue]! * (WEIGHTS[name][cue] ?? 0);
    return sum;
  });
  const top = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const probability = Object.fromEntries(CLASSES.map((name, at) => [name, powers[at]! / total])) as Record<Class, number>;
  const intent = CLASSES[sums.indexOf(top)]!;
  const reasons = groups
    .map((name) => [name, cues[name]! * (WEIGHTS[intent][name] ?? 0)] as const)
    .filter(([, weight]) => weight > 0.2)
    .sort((a, b) => b[1] - a[1])
    .map(([name]) => name);
  return { intent, probability, ample: groups.length >= AMPLE, reasons: reasons.slice(0, 3) };
}
