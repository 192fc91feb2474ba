import type { Evidence, Intent } from '../../lead/enrichment.js';
import type { Fields } from './fields.js';
import { evidence } from './person-rules.js';
import { PhraseFinder, wordsOf } from './phrases.js';
import { PROFILE } from './profile.js';

const { message, sources, injection, thresholds } = PROFILE;
const families = new PhraseFinder(message.families.map((family) => family.phrases));
const negations = new PhraseFinder([message.negations.words]);
const notNegations = new PhraseFinder([message.negations.exceptions]);
const sourceRules = new PhraseFinder(sources.rules.map((rule) => rule.words));
const injections = new PhraseFinder([injection.phrases]);

export interface IntentFinding {
  intent: Intent;
  /** 0 to 1. */
  confidence: number;
  evidence: Evidence[];
  flags: string[];
}

/** What the person wants: from the message first, from the source where the message says nothing. */
export function intentOf(fields: Fields): IntentFinding {
  const words = wordsOf(fields.message);
  const source = sourceOf(fields.source);
  const flags: string[] = [];
  const found: Evidence[] = source ? [evidence(`source: ${source.name}`, source.points)] : [];
  if (injections.find([...words, '|', ...wordsOf(fields.title), '|', ...wordsOf(fields.company)]).length > 0) {
    found.push(evidence('message: text that tries to steer the score', injection.points));
    flags.push('injection-suspected');
  }

  const { fired, negated } = familiesIn(words);
  const unwanted = fired.filter((family) => family.kind === 'none');
  // Who sells to us or looks for a job also writes of prices and calls; those words are then no sign of buying.
  const counted = unwanted.length > 0 ? unwanted : fired;
  found.push(...counted.map((family) => evidence(`message: ${family.name}`, family.points)));
  if (negated.length > 0 && unwanted.length === 0) {
    found.push(evidence(`message: says no to "${negated[0]!.name}"`, message.negations.points));
  }
  if (unwanted.length > 0) return { intent: 'none', confidence: 0.7, evidence: found, flags };

  const buying = counted.filter((family) => family.kind === 'buying');
  const total = buying.reduce((sum, family) => sum + family.points, 0);
  const conclusion = conclude(counted, negated.length > 0, total, source?.intent ?? null);
  return { ...conclusion, evidence: found, flags };
}

type Family = (typeof message.families)[number];

function conclude(
  counted: Family[],
  negated: boolean,
  total: number,
  bySource: Intent | null,
): Pick<IntentFinding, 'intent' | 'confidence'> {
  const buying = counted.filter((family) => family.kind === 'buying');
  if (buying.length === 0) {
    if (negated) return { intent: 'none', confidence: 0.5 };
    if (counted.some((family) => family.kind === 'support')) return { intent: 'low', confidence: 0.5 };
    if (counted.some((family) => family.kind === 'weak')) return { intent: 'low', confidence: 0.5 };
    return bySource ? { intent: bySource, confidence: 0.4 } : { intent: 'unknown', confidence: 0.1 };
  }
  if (counted.some((family) => family.kind === 'weak')) return { intent: 'low', confidence: 0.4 };
  const confidence = Math.min(0.75, 0.4 + 0.1 * buying.length + (bySource === 'high' ? 0.1 : 0));
  if (buying.some((family) => family.strength === 'high') || total >= thresholds.high) return { intent: 'high', confidence };
  if (total >= thresholds.medium) return { intent: 'medium', confidence };
  return { intent: 'low', confidence };
}

function familiesIn(words: string[]): { fired: Family[]; negated: Family[] } {
  const harmless = new Set(
    notNegations.find(words).flatMap(({ at, length }) => Array.from({ length }, (_, offset) => at + offset)),
  );
  const noes = negations.find(words).filter(({ at }) => !harmless.has(at));
  const fired = new Set<Family>();
  const negated = new Set<Family>();
  for (const { group, at } of families.find(words)) {
    const family = message.families[group]!;
    const turned =
      family.kind === 'buying' && noes.some((no) => no.at < at && at - (no.at + no.length - 1) <= message.negations.reach);
    (turned ? negated : fired).add(family);
  }
  // Said plainly somewhere, a wish is a wish, even where it is also negated elsewhere.
  return { fired: [...fired], negated: [...negated].filter((family) => !fired.has(family)) };
}

function sourceOf(text: string) {
  const matched = sourceRules.find(wordsOf(text)).map((match) => match.group);
  return sources.rules[Math.min(...matched)];
}
