import type { Intent } from '../../domain/intent.js';
import type { Verdict } from './intent.js';
import type { MessageFacts, Signal } from './message.js';
import { saysOf } from './points.js';
import { LEXICON } from './lexicon.js';
import type { SourceRule } from './ruleset.js';
import type { TitleFacts } from './title.js';

const OPENINGS: Record<Intent, string> = {
  high: 'High intent',
  medium: 'Some intent',
  low: 'Low intent',
  none: 'No buying intent',
  unknown: 'Intent unknown',
};
const MAX_LENGTH = 300;
const MAX_REASONS = 2;

interface Facts {
  verdict: Verdict;
  title: TitleFacts;
  message: MessageFacts;
  source: SourceRule | null;
  /** The name of the competitor that the person works for. */
  competitor: string | null;
  /** The e-mail domain with its class. */
  domain: string;
}

/** One sentence for the salesperson: what the intent was read from, and who is asking. */
export function explain({ verdict, title, message, source, competitor, domain }: Facts): string {
  const why = reasons(verdict, title, message, source, competitor).slice(0, MAX_REASONS).join(' and ');
  const sentence = `${OPENINGS[verdict.intent]}: ${why}; ${roleOf(title)}, ${domain}.`;
  return sentence.length > MAX_LENGTH ? `${sentence.slice(0, MAX_LENGTH - 1)}…` : sentence;
}

function roleOf({ seniority, department }: TitleFacts): string {
  if (seniority) return department ? `${seniority.label} in ${department.label}` : seniority.label;
  return department ? `works in ${department.label}` : 'title unknown';
}

function reasons(
  { basis, intent }: Verdict,
  title: TitleFacts,
  message: MessageFacts,
  source: SourceRule | null,
  competitor: string | null,
): string[] {
  const fromSource = source ? [source.says] : [];
  switch (basis) {
    case 'disqualified':
      return [
        ...(competitor === null ? [] : [`works for the competitor ${competitor}`]),
        ...(title.seniority?.disqualifies ? [`title says ${title.seniority.label}`] : []),
        ...(source?.intent === 'none' ? fromSource : []),
      ];
    case 'message': {
      const told = [...(message.pitch.fires && intent === 'none' ? [LEXICON.pitch.says] : []), ...sayings(message, intent)];
      const whole = intent === 'unknown' ? [] : [`the message as a whole ${LEXICON.cues.reads[intent]}`];
      return [...(told.length > 0 ? told : whole), ...fromSource];
    }
    case 'source':
      return [...fromSource, message.empty ? 'no message' : 'the message holds no signal that the rules know'];
    case 'nothing':
      return [message.empty ? 'no message' : 'no signal that the rules know in the message', 'source unknown'];
  }
}

/** What the message says for the intent: for a buyer's what speaks for a purchase, else what speaks against. */
function sayings({ signals }: MessageFacts, intent: Intent): string[] {
  const buyer = intent === 'high' || intent === 'medium';
  const worth = ({ family, negated }: Signal) => (negated ? family.negated!.points : family.points);
  return signals
    .filter((signal) => worth(signal) > 0 === buyer)
    .sort((a, b) => Math.abs(worth(b)) - Math.abs(worth(a)))
    .map(saysOf);
}
