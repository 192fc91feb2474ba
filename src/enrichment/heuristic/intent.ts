import type { Intent } from '../../domain/enrichment.js';
import type { MessageFacts } from './message.js';
import { PROFILE } from './profile.js';
import type { SourceRule } from './profile.schema.js';
import type { TitleFacts } from './title.js';

/** What the intent was read from; `nothing` goes with `unknown` only. */
export type Basis = 'disqualified' | 'message' | 'source' | 'nothing';

export interface Verdict {
  intent: Intent;
  confidence: number;
  basis: Basis;
}

const RANKS = ['none', 'low', 'medium', 'high'] as const;
const C = PROFILE.confidence;

/**
 * Decides the intent, in this order: who cannot be a buyer, what the message says, where the lead came from. Who asks
 * for little on a page for buyers is taken for what the page is for, one step lower. Where none of it speaks the intent
 * is `unknown`: a guess would look like knowledge.
 */
export function decideIntent(title: TitleFacts, { cues }: MessageFacts, source: SourceRule | null): Verdict {
  if (title.seniority?.disqualifies || source?.intent === 'none') return verdict('none', C.disqualified, 'disqualified');
  const sure = cues ? cues.probability[cues.intent] : 0;
  if (!cues || sure < PROFILE.cues.likely) {
    return source ? verdict(source.intent, C.source, 'source') : verdict('unknown', C.unknown, 'nothing');
  }
  if (cues.intent === 'none') return verdict('none', C.message * sure, 'message');
  const own = RANKS.indexOf(cues.intent);
  const lift = source ? RANKS.indexOf(source.intent as (typeof RANKS)[number]) - (cues.intent === 'low' ? 1 : 0) : -1;
  const rank = Math.max(own, lift);
  return verdict(RANKS[rank]!, C.message * sure + (lift === rank ? C.sourceAgrees : 0), 'message');
}

function verdict(intent: Intent, confidence: number, basis: Basis): Verdict {
  return { intent, basis, confidence: Math.round(Math.min(Math.max(confidence, C.unknown), C.max) * 100) / 100 };
}
