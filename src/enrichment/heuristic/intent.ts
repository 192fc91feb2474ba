import type { Intent } from '../../domain/intent.js';
import type { MessageFacts } from './message.js';
import { LEXICON } from './lexicon.js';
import type { SourceRule } from './ruleset.js';
import type { TitleFacts } from './title.js';

/** What the intent was read from; `nothing` goes with `unknown` only. */
export type Basis = 'disqualified' | 'message' | 'source' | 'nothing';

export interface Verdict {
  intent: Intent;
  confidence: number;
  basis: Basis;
}

const RANKS = ['none', 'low', 'medium', 'high'] as const;
const C = LEXICON.confidence;

/**
 * Decides the intent by the first of these that is known: the sender cannot buy, what the message says, where the lead
 * came from. A weak message on a form for buyers gets the intent of the form, one step lower. Without any of these the
 * intent is `unknown`: a guess would look like knowledge.
 */
export function decideIntent(
  title: TitleFacts,
  { cues }: MessageFacts,
  source: SourceRule | null,
  isCompetitor: boolean,
): Verdict {
  if (isCompetitor || title.seniority?.disqualifies || source?.intent === 'none')
    return verdict('none', C.disqualified, 'disqualified');
  const sure = cues ? cues.probability[cues.intent] : 0;
  if (!cues || sure < LEXICON.cues.likely) {
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
