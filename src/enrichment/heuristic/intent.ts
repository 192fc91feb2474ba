import type { Intent } from '../../lead/enrichment.js';
import { isVeto, type MessageFacts, type Signal } from './message.js';
import { PROFILE } from './profile.js';
import type { SourceRule } from './profile.schema.js';
import type { TitleFacts } from './title.js';

/** What the intent was read from; `nothing` goes with `unknown` only. */
export type Basis = 'disqualified' | 'refused' | 'aside' | 'message' | 'cues' | 'source' | 'nothing';

export interface Verdict {
  intent: Intent;
  confidence: number;
  basis: Basis;
}

const RANKS = ['none', 'low', 'medium', 'high'] as const;
const C = PROFILE.confidence;
const CUES = PROFILE.cues;

/**
 * Decides the intent, in this order: who cannot be a buyer, who declines (the last word counts), what is asked for, where
 * the lead came from. Where none of it speaks the intent is `unknown`: a guess would look like knowledge.
 */
export function decideIntent(title: TitleFacts, message: MessageFacts, source: SourceRule | null): Verdict {
  const plain = message.signals.filter((signal) => !signal.negated);
  const denied = message.signals.filter((signal) => signal.negated);
  const buying = plain.filter((signal) => signal.family.kind === 'buying');
  const ofKind = (kind: string) => plain.filter((signal) => signal.family.kind === kind);

  if (message.pitch.fires || ofKind('disqualifier').length > 0 || title.seniority?.disqualifies || source?.intent === 'none') {
    return verdict('none', C.disqualified, 'disqualified');
  }

  // A seller's or an applicant's words with a buyer's phrase among them: "can I book you in for a demo?"
  const cues = message.cues;
  if (isVeto(cues)) return verdict('none', C.aside, 'cues');

  const refusals = [...ofKind('refusal'), ...denied.filter((signal) => signal.family.negated?.intent === 'none')];
  const refusedLast = lastOf(refusals) >= lastOf(buying);
  if (refusals.length > 0 && refusedLast) return verdict('none', C.refused + contradiction(buying), 'refused');

  // A question about the product is how a support request sounds too; only a stronger wish outweighs an account's trouble.
  const asides = ofKind('aside');
  if (asides.length > 0 && !buying.some((signal) => signal.family.intent === 'high')) return verdict('none', C.aside, 'aside');

  const dampers = [...ofKind('damper'), ...denied.filter((signal) => signal.family.negated?.damper)];
  const fromMessage = messageRank(buying, dampers, denied);
  const fromSource = source ? RANKS.indexOf(source.intent as (typeof RANKS)[number]) : -1;
  if (fromMessage < 0) {
    if (source) return verdict(source.intent, C.source, 'source');
    const likely = cues && cues.probability[cues.intent] >= CUES.likely;
    return likely
      ? verdict(cues.intent, C.cues * cues.probability[cues.intent], 'cues')
      : verdict('unknown', C.unknown, 'nothing');
  }

  const lift = dampers.length > 0 ? fromSource - 1 : fromSource;
  const rank = Math.max(fromMessage, lift);
  const confidence =
    C.message +
    C.perFurtherSignal * (buying.length + dampers.length - 1) +
    (fromSource === rank ? C.sourceAgrees : 0) +
    contradiction([...refusals, ...(buying.length > 0 ? dampers : [])]);
  return verdict(RANKS[rank]!, confidence, 'message');
}

/** The strongest wish, one step lower where something takes it back; -1 where the message tells nothing. */
function messageRank(buying: Signal[], dampers: Signal[], denied: Signal[]): number {
  const wish = Math.max(-1, ...buying.map((signal) => RANKS.indexOf(signal.family.intent)));
  if (wish >= 0) return dampers.length > 0 ? Math.max(1, wish - 1) : wish;
  return dampers.length > 0 || denied.length > 0 ? 1 : -1;
}

function lastOf(signals: Signal[]): number {
  return Math.max(-1, ...signals.map((signal) => signal.at));
}

function contradiction(against: Signal[]): number {
  return against.length > 0 ? C.contradiction : 0;
}

function verdict(intent: Intent, confidence: number, basis: Basis): Verdict {
  return { intent, basis, confidence: Math.round(Math.min(Math.max(confidence, C.unknown), C.max) * 100) / 100 };
}
