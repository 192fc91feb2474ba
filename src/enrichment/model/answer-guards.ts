import { MAX_EVIDENCE, type Enrichment, type Evidence } from '../../domain/enrichment.js';
import type { Intent } from '../../domain/intent.js';
import type { LeadContent } from '../../domain/lead.js';
import { readFields } from '../heuristic/fields.js';
import { scoreLead } from '../heuristic/heuristic.provider.js';
import { line } from '../heuristic/points.js';
import type { Ruleset } from '../heuristic/ruleset.js';
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
 * A model's answer counts as long as the lead's text gave it no orders. Where the text did, or where the answer shows
 * that the model obeyed other orders than ours, the score is at most the heuristic's. The words for the salesperson are
 * the heuristic's then, since the model's may be the attacker's.
 */
export function guard(lead: LeadContent, answer: ModelAnswer, rules: Ruleset): Guarded {
  const heuristic = scoreLead(lead, rules);
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
  const fitScore = Math.min(answer.fitScore, heuristic.fitScore);
  return {
    fitScore,
    intent: weaker.intent,
    confidence: Math.min(answer.confidence, heuristic.confidence),
    evidence: loweredTo(fitScore, heuristic),
    reasoning: heuristic.reasoning,
    flags,
  };
}

/** The heuristic's evidence, whose points still sum to the score where the model's own score is lower. */
function loweredTo(fitScore: number, heuristic: Enrichment): Evidence[] {
  if (fitScore === heuristic.fitScore) return heuristic.evidence;
  const lowered = line('the model scores this lead lower', fitScore - heuristic.fitScore);
  const room = MAX_EVIDENCE - 1;
  const { length } = heuristic.evidence;
  if (length <= room) return [...heuristic.evidence, lowered];
  const rest = heuristic.evidence.slice(room - 1);
  const folded = rest.reduce((sum, { points = 0 }) => sum + points, 0);
  return [...heuristic.evidence.slice(0, room - 1), line(`other signals (${rest.length})`, folded), lowered];
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
