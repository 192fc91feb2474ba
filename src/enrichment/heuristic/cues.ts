import { z } from 'zod';
import source from './cues.json' with { type: 'json' };
import { newIndex } from './profile.js';
import { mendSpelling } from './spelling.js';
import { readText } from './text.js';

const CLASSES = ['high', 'medium', 'low', 'none'] as const;
type Class = (typeof CLASSES)[number];

const weights = z.record(z.string(), z.number());
const { groups, weights: WEIGHTS } = z
  .strictObject({
    _about: z.string(),
    groups: z.record(z.string(), z.string()),
    weights: z.strictObject({ high: weights, medium: weights, low: weights, none: weights }),
  })
  .parse(source);

export const CUE_GROUPS = Object.keys(groups);
const INDEX = newIndex<string>();
for (const [name, phrases] of Object.entries(groups)) INDEX.add(phrases, name);

/** A second hit of a group says more than the first alone, a third hardly. */
const MAX_HITS = 2;
const SHORT = 6;
/** One telling word in a greeting is chance. */
const MIN_GROUPS = 2;
const AMPLE = 4;
/** They occur in any message. */
const AMBIENT = new Set(['we', 'you', 'not', 'time', 'size']);
const MAX_LENGTH = 1500;

export interface CueReading {
  intent: Class;
  /** 0 to 1. */
  probability: Record<Class, number>;
  /** Long enough for its words as a whole to outweigh a phrase. */
  ample: boolean;
  /** The groups that spoke for it most. */
  reasons: string[];
}

/** How often each group of words occurs, and the shape of the message. */
export function cuesOf(message: string): Record<string, number> {
  const text = mendSpelling(readText(message.slice(0, MAX_LENGTH)));
  const features: Record<string, number> = { always: 1 };
  const places = new Map<string, Set<number>>();
  for (const { payload, start } of INDEX.findAll(text)) {
    const set = places.get(payload) ?? new Set();
    places.set(payload, set.add(start));
  }
  for (const [name, set] of places) features[name] = Math.min(set.size, MAX_HITS) / MAX_HITS;
  if (/[?？؟]/.test(message)) features['question'] = 1;
  if (text.words.length < SHORT) features['short'] = 1;
  return features;
}

/** null where too few groups of words occur for anything to be told. */
export function readCues(message: string): CueReading | null {
  const features = cuesOf(message);
  const said = CUE_GROUPS.filter((name) => features[name] !== undefined);
  if (said.filter((name) => !AMBIENT.has(name)).length < MIN_GROUPS) return null;
  const sums = CLASSES.map((name) =>
    Object.entries(features).reduce((sum, [cue, value]) => sum + value * (WEIGHTS[name][cue] ?? 0), 0),
  );
  const top = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const probability = Object.fromEntries(CLASSES.map((name, at) => [name, powers[at]! / total])) as Record<Class, number>;
  const intent = CLASSES[sums.indexOf(top)]!;
  const reasons = said
    .map((name) => [name, features[name]! * (WEIGHTS[intent][name] ?? 0)] as const)
    .filter(([, weight]) => weight > 0.2)
    .sort((a, b) => b[1] - a[1])
    .map(([name]) => name);
  return { intent, probability, ample: said.length >= AMPLE, reasons: reasons.slice(0, 3) };
}
