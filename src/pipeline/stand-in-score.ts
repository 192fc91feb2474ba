import type { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';

/** The middle of the scale, marked as what it is, so that sales hears of the lead and a real score can follow. */
export function neutralFallback(provider: string, error: AppError): Enrichment {
  return {
    fitScore: 50,
    intent: 'unknown',
    confidence: 0,
    evidence: [],
    reasoning: 'Not scored yet: the scorer did not answer in time. The score stands in until it does.',
    scoreSource: 'fallback',
    needsRescore: true,
    flags: [`fallback:${error.code}`],
    provider,
    scorerVersion: 'fallback-1',
  };
}

/** The heuristic's score for a lead that the model had no time for; a model's score is owed to it. */
export function heuristicFallback(ranking: Enrichment): Enrichment {
  return { ...ranking, needsRescore: true, flags: [...ranking.flags, 'stand-in:AI_OVERLOADED'] };
}
