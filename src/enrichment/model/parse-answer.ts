import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { bantSchema, type Enrichment } from '../../domain/enrichment.js';
import { INTENTS } from '../../domain/intent.js';

/**
 * What the model is asked for. It has no limits: some providers drop them from the schema, so they are checked here.
 */
export const answerSchema = z.object({
  evidence: z.array(z.object({ signal: z.string(), polarity: z.enum(['positive', 'negative', 'neutral']) })),
  bant: bantSchema,
  intent: z.enum(INTENTS),
  fitScore: z.number(),
  confidence: z.number(),
  reasoning: z.string(),
});
const KNOWN_KEYS = new Set(Object.keys(answerSchema.shape));

/** A model's judgement: in range, in length, and free of what has no place in a CRM. */
export interface ModelAnswer extends Pick<Enrichment, 'fitScore' | 'intent' | 'confidence' | 'evidence' | 'reasoning'> {
  bant: z.infer<typeof bantSchema>;
  /** The answer had keys that the prompt does not ask for. */
  escaped: boolean;
  /** Something was taken out of its texts. */
  cleaned: boolean;
  /** The answer repeats what only our instructions contain. */
  leaked: boolean;
}

const MAX_EVIDENCE = 4;
const MAX_SIGNAL = 200;
const MAX_REASONING = 300;
/** A model that answers 103 means 100; one that answers 1,000 means nothing. */
const TOLERANCE = 5;

/**
 * @param text the answer as it came.
 * @param secrets words of the instructions that no honest answer contains.
 * @throws AppError AI_ANSWER_INVALID
 */
export function readAnswer(text: string, secrets: readonly string[]): ModelAnswer {
  const raw = parseJson(text);
  const parsed = answerSchema.safeParse(raw);
  if (!parsed.success) throw new AppError('AI_ANSWER_INVALID', 'The model answered something that is not a score.');
  const { fitScore, confidence, evidence, reasoning, intent, bant } = parsed.data;
  const texts = [reasoning, ...evidence.map(({ signal }) => signal)];
  return {
    fitScore: Math.round(inRange(onScale(fitScore, intent), 100, 'fitScore')),
    // Some models give a percentage whatever the instructions say.
    confidence: inRange(confidence > 1 + TOLERANCE / 100 && confidence <= 100 ? confidence / 100 : confidence, 1, 'confidence'),
    intent,
    bant,
    evidence: evidence
      .map(({ signal, polarity }) => ({ signal: shorten(clean(signal), MAX_SIGNAL), polarity }))
      .filter(({ signal }) => signal !== '')
      .slice(0, MAX_EVIDENCE),
    reasoning: shorten(clean(reasoning), MAX_REASONING),
    escaped: Object.keys(raw as object).some((key) => !KNOWN_KEYS.has(key)),
    cleaned: texts.some((value) => clean(value) !== value.trim()),
    leaked: secrets.some((secret) => text.includes(secret)),
  };
}

/** A refusal in words, where the provider does not mark it as one; some models use the language of the lead. */
const REFUSALS = [
  /^\W*(?:I['’]m sorry|I am sorry|sorry|I apologi[sz]e|I can(?:no|['’])t|I['’]m (?:unable|not able)|I am (?:unable|not able)|I won['’]t)\b/i,
  /^\W*(?:(?:es )?tut mir leid|ich kann (?:das|dies|diese[nrs]?|leider)|désolé|je suis désolé|je ne peux pas|lo siento|no puedo)/i,
  /^\W*(?:mi dispiace|non posso|desculpe|lamento|não posso|het spijt me|ik kan (?:dit|hier|deze|niet))|^\s*(?:很?抱歉|对不起|我(?:无法|不能))/i,
];

/** Some models put words or a fence around the answer. */
function objectIn(text: string): string {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  return from >= 0 && from < to ? text.slice(from, to + 1) : text;
}

function parseJson(text: string): unknown {
  // Open models write their thoughts first.
  const answer = text.split('</think>').at(-1)!;
  try {
    return JSON.parse(objectIn(answer));
  } catch (cause) {
    if (REFUSALS.some((pattern) => pattern.test(answer)))
      throw new AppError('AI_REFUSED', 'The model refuses to judge this text.', { cause });
    throw new AppError('AI_ANSWER_INVALID', 'The model answered something that is not JSON.', { cause });
  }
}

/** A fraction between 0 and 1 is an answer on another scale: rounded, an excellent lead would become a 1. */
function onScale(fitScore: number, intent: Enrichment['intent']): number {
  if ((fitScore > 0 && fitScore < 1) || (fitScore === 1 && intent === 'high'))
    throw new AppError('AI_ANSWER_INVALID', 'The model answered a fitScore on a scale of 0 to 1 instead of 0 to 100.');
  return fitScore;
}

function inRange(value: number, max: number, name: string): number {
  const slack = (max * TOLERANCE) / 100;
  if (!Number.isFinite(value) || value < -slack || value > max + slack)
    throw new AppError('AI_ANSWER_INVALID', `The model answered a ${name} out of range.`);
  return Math.min(max, Math.max(0, value));
}

const LINK = /\b(?:https?|ftp|javascript|data):\S+|\bwww\.\S+/gi;
const EMAIL = /\S+@\S+\.\S+/g;
const MARKUP = /<[^>]{0,200}>|!?\[[^\]]*\]\([^)]*\)/g;
const CONTROL = /[\p{Cc}\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]+/gu;
const FORMULA = /^[=+@-]+/;

/** A salesperson reads it in the CRM, and a spreadsheet may open it: no links, no markup, no formula. */
function clean(text: string): string {
  return text
    .toWellFormed()
    .replace(CONTROL, ' ')
    .replace(MARKUP, '')
    .replace(LINK, '[link]')
    .replace(EMAIL, '[e-mail]')
    .trim()
    .replace(FORMULA, '')
    .trim();
}

function shorten(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).toWellFormed()}…` : text;
}
