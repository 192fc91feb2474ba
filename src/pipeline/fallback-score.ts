import type { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import type { Enrichment } from '../domain/enrichment.js';

const NEUTRAL = 50;

/** Shown to salespeople. */
const REASONS: Partial<Record<ErrorCode, string>> = {
  AI_REFUSED: 'the model refuses to judge this text. Read the message before you call',
  AI_TIMEOUT: 'the model did not answer in time',
  AI_UNAVAILABLE: 'the model cannot be reached',
  AI_RATE_LIMITED: 'the model accepts no more requests at present',
  AI_MISCONFIGURED: 'the model refuses the key or the request of this service',
  AI_ANSWER_INVALID: 'the model did not answer with a score',
  AI_BUDGET_SPENT: "today's budget for the model is used up",
};
const FOLLOW_UP: Partial<Record<ErrorCode, string>> = {
  AI_REFUSED: 'It is not asked again for this content.',
  AI_BUDGET_SPENT: 'A score follows when the budget allows it.',
};

/** The middle of the scale, marked as a fallback, so that sales gets the lead and a better score can follow. */
export function neutralFallback(provider: string, error: AppError): Enrichment {
  return {
    fitScore: NEUTRAL,
    intent: 'unknown',
    confidence: 0,
    evidence: [{ signal: 'provisional score: the middle of the scale', polarity: 'neutral', points: NEUTRAL }],
    reasoning: `Not scored: ${REASONS[error.code] ?? 'the scorer failed'}. ${FOLLOW_UP[error.code] ?? 'A score follows when it works.'}`,
    scoreSource: 'fallback',
    // The model would refuse the same text again.
    needsRescore: error.code !== 'AI_REFUSED',
    flags: [`fallback:${error.code}`],
    provider,
    scorerVersion: 'fallback-1',
  };
}

/** The heuristic's score for a lead that got no model slot; the model scores it later. */
export function heuristicFallback(ranking: Enrichment): Enrichment {
  return { ...ranking, needsRescore: true, flags: [...ranking.flags, 'stand-in:AI_OVERLOADED'] };
}
