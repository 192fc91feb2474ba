import type { Intent } from '../../lead/enrichment.js';
import type { Verdict } from './intent.js';
import type { MessageFacts, Signal } from './message.js';
import { saysOf } from './points.js';
import { PROFILE } from './profile.js';
import type { SourceRule } from './profile.schema.js';
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
  /** The e-mail domain with its class. */
  domain: string;
}

/** One sentence for the salesperson: what the intent was read from, and who is asking. */
export function explain({ verdict, title, message, source, domain }: Facts): string {
  const why = reasons(verdict, title, message, source).slice(0, MAX_REASONS).join(' and ');
  const role = title.seniority?.label ?? 'no telling title';
  const work = title.function ? ` in ${title.function.label}` : '';
  const sentence = `${OPENINGS[verdict.intent]}: ${why}; ${role}${work}, ${domain}.`;
  return sentence.length > MAX_LENGTH ? `${sentence.slice(0, MAX_LENGTH - 1)}…` : sentence;
}

function reasons({ basis, intent }: Verdict, title: TitleFacts, message: MessageFacts, source: SourceRule | null): string[] {
  const fromSource = source ? [source.says] : [];
  switch (basis) {
    case 'disqualified':
      return [
        ...(message.pitch.fires ? [PROFILE.pitch.says] : []),
        ...sayings(message, (signal) => !signal.negated && signal.family.kind === 'disqualifier'),
        ...(title.seniority?.disqualifies ? [`title says ${title.seniority.label}`] : []),
        ...(source?.intent === 'none' ? fromSource : []),
      ];
    case 'refused':
      return sayings(message, ({ family, negated }) => (negated ? family.negated!.intent === 'none' : family.kind === 'refusal'));
    case 'aside':
      return sayings(message, ({ family, negated }) => !negated && family.kind === 'aside');
    case 'cues':
      return intent === 'unknown' ? [] : [`the message as a whole ${PROFILE.cues.reads[intent]}`];
    case 'message':
      return [...sayings(message, () => true), ...fromSource];
    case 'source':
      return [...fromSource, message.empty ? 'left no message' : 'the message holds no signal that the rules know'];
    case 'nothing':
      return [message.empty ? 'no message' : 'no signal that the rules know in the message', 'no telling source'];
  }
}

function sayings(message: MessageFacts, wanted: (signal: Signal) => boolean): string[] {
  const signals = message.signals.filter(wanted).sort((a, b) => Math.abs(b.family.points) - Math.abs(a.family.points));
  return signals.map(saysOf);
}
