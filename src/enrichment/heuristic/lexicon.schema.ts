import { z } from 'zod';
import { INTENTS } from '../../domain/intent.js';

const points = z.number().int();
const about = z.string().optional();
/** Shown to salespeople, with a quotation behind it: both must fit into one line of evidence. */
const says = z.string().min(1).max(80);
/** Phrases or words, on one line or on several. */
const lines = z.union([z.string(), z.array(z.string())]).transform((value) => (typeof value === 'string' ? [value] : value));
const words = lines.transform((value) => value.flatMap((line) => line.split(' ')).filter((word) => word !== ''));
const intent = z.enum(INTENTS).exclude(['unknown']);

const negated = z.strictObject({ says, intent: z.enum(['none', 'low']), points });

const family = z.strictObject({
  id: z.string(),
  kind: z.enum(['buying', 'damper', 'refusal', 'disqualifier', 'aside']),
  intent,
  points,
  says,
  negated: negated.optional(),
  phrases: lines,
});
export type Family = z.infer<typeof family>;

const sourceRule = z.strictObject({ id: z.string(), says, intent, phrases: lines });

/** The shape of lexicon.json. Unknown keys are refused, so that a misspelt rule is an error. */
export const lexiconSchema = z.strictObject({
  _about: z.record(z.string(), z.string()),
  fields: z.strictObject({
    _about: about,
    title: words,
    notATitle: words,
    company: words,
    industry: words,
    size: words,
    message: words,
    labelled: z.record(z.string(), words),
    source: words,
    placeholders: z.array(z.string()),
  }),
  words: z.object({ _about: about }).catchall(words),
  negation: z.strictObject({
    _about: about,
    window: z.number().int().min(1).max(10),
    words,
    after: lines,
    harmless: lines,
    breakers: words,
    joiners: words,
    starters: words,
  }),
  domains: z.strictObject({
    _about: about,
    freeBrands: words,
    free: words,
    education: words,
    educationNames: words,
    government: words,
    sharedMailbox: z.strictObject({ _about: about, names: words, says }),
  }),
  title: z.strictObject({ _about: about, cut: lines }),
  company: z.strictObject({ legalForms: words }),
  message: z.strictObject({ _about: about, counted: z.number().int().min(1), families: z.array(family) }),
  pitch: z.strictObject({
    _about: about,
    threshold: z.number(),
    weights: z.strictObject({
      directed: z.number(),
      trade: z.number(),
      offering: z.number(),
      need: z.number(),
      buying: z.number(),
    }),
    says,
    points,
    directed: lines,
    trade: lines,
    offering: lines,
  }),
  injection: z.strictObject({
    _about: about,
    says,
    points,
    phrases: lines,
  }),
  intent: z.strictObject({ _about: about, says: z.record(z.enum(INTENTS), says) }),
  cues: z.strictObject({
    _about: about,
    likely: z.number().min(0).max(1),
    veto: z.number().min(0).max(1),
    reads: z.record(intent, says),
    says: z.record(z.string(), says),
  }),
  spelling: z.strictObject({ _about: about, words, not: words }),
  source: z.strictObject({ _about: about, rules: z.array(sourceRule) }),
  confidence: z.strictObject({
    _about: about,
    message: z.number(),
    disqualified: z.number(),
    source: z.number(),
    sourceAgrees: z.number(),
    unknown: z.number(),
    max: z.number().min(0).max(0.75),
  }),
});
