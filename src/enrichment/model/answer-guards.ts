import type { Enrichment, Intent } from '../../domain/enrichment.js';
import type { LeadContent } from '../../domain/lead.js';
import { readFields } from '../heuristic/fields.js';
import { scoreLead } from '../heuristic/heuristic.provider.js';
import { detectInjection } from '../heuristic/prompt-injection/detect.js';
import type { ModelAnswer } from './parse-answer.js';

/** The flags that a salesperson and an operator see. */
export const FLAGS = {
  injection: 'injection',
  leak: 'prompt-leak',
  escape: 'schema-escape',
  cleaned: 'answer-cleaned',
  disagreement: 'disagrees-with-heuristic',
} as const;

const MAX_DISAGREEMENT = 40;
const RANKS: Record<Intent, number> = { none: 0, unknown: 0, low: 1, medium: 2, high: 3 };

export type Guarded = Pick<Enrichment, 'fitScore' | 'intent' | 'confidence' | 'evidence' | 'reasoning' | 'flags'> & {
  bant?: ModelAnswer['bant'];
};

/**
 * What a model says about a lead is believed as far as the lead's own text gave it no orders. Where it did, or where the answer
 * shows that the model obeyed somebody else, the score is at most the heuristic's, and the words for the salesperson are the
 * heuristic's too, since the model's may be the attacker's.
 */
export function guard(lead: LeadContent, answer: ModelAnswer): Guarded {
  const heuristic = scoreLead(lead);
  const flags: string[] = [];
  if (hasInjection(lead)) flags.push(FLAGS.injection);
  if (answer.leaked) flags.push(FLAGS.leak);
  if (answer.escaped) flags.push(FLAGS.escape);
  const steered = flags.length > 0;
  if (answer.cleaned) flags.push(FLAGS.cleaned);
  if (Math.abs(answer.fitScore - heuristic.fitScore) > MAX_DISAGREEMENT) flags.push(FLAGS.disagreement);
  if (!steered) {
    const { fitScore, intent, confidence, evidence, reasoning, bant } = answer;
    return { fitScore, intent, confidence, evidence, reasoning, bant, flags };
  }
  const weaker = RANKS[answer.intent] < RANKS[heuristic.intent] ? answer : heuristic;
  return {
    fitScore: Math.min(answer.fitScore, heuristic.fitScore),
    intent: weaker.intent,
    confidence: Math.min(answer.confidence, heuristic.confidence),
    evidence: heuristic.evidence.map(({ signal, polarity }) => ({ signal, polarity })),
    reasoning: heuristic.reasoning,
    flags,
  };
}

/** Any text of the lead that the model reads may carry it, and so may the name, which only says who tries. */
export function hasInjection(lead: Pick<LeadContent, 'attributes' | 'name'>): boolean {
  const { title, company, written } = readFields(lead.attributes);
  const texts = [
    title,
    company,
    written,
    lead.name ?? '',
    ...Object.entries(lead.attributes).flatMap(([key, value]) => (/country|land|pays|pais/i.test(key) ? [value] : [])),
  ];
  return texts.some((text) => detectInjection(text).found);
}
