import { createHash } from 'node:crypto';
import { Competitors } from './competitors.js';
import { LEXICON, LEXICON_SOURCE, WORD_LISTS } from './lexicon.js';
import type { Family } from './lexicon.schema.js';
import type { NegationSign } from './negation.js';
import { PhraseIndex, type WordLists } from './phrases.js';
import {
  completeProfile,
  parseShippedProfile,
  type LabelledRule,
  type ScoringProfile,
  type Seniority,
  type WrittenProfile,
} from './profile.schema.js';
import cues from './cues.json' with { type: 'json' };
import shipped from './profile.json' with { type: 'json' };
import steering from './steering.json' with { type: 'json' };

export type PitchTier = 'directed' | 'trade' | 'offering';
export const PITCH_TIERS = ['directed', 'trade', 'offering'] as const;

/** What a phrase in a message stands for. */
export type MessagePhrase = { family: Family } | { tier: PitchTier } | { negation: NegationSign };

export type SourceRule = (typeof LEXICON.source.rules)[number] & { points: number };

/** A scoring profile with its phrases indexed. Building one takes some 20 ms, so each process keeps it. */
export class Ruleset {
  /** Over profile, lexicon and weights: a score names the version that made it. */
  readonly version: string;
  readonly seniority: PhraseIndex<Seniority>;
  readonly departments: PhraseIndex<LabelledRule>;
  readonly industries: PhraseIndex<LabelledRule>;
  readonly sources: PhraseIndex<SourceRule>;
  readonly sourceRules: readonly SourceRule[];
  readonly messages: PhraseIndex<MessagePhrase>;
  /** The families of the lexicon and the phrases of the profile. */
  readonly families: readonly Family[];
  readonly competitors: Competitors;

  constructor(readonly profile: ScoringProfile) {
    const hash = createHash('sha256').update(JSON.stringify([profile, LEXICON_SOURCE, cues, steering]));
    this.version = `heuristic-${hash.digest('hex').slice(0, 12)}`;
    const lists = withRivals(profile);
    this.seniority = indexOf(profile.titles.seniority, lists);
    this.departments = indexOf(profile.titles.departments, lists);
    this.industries = indexOf(profile.industries, lists);
    const points = profile.sources as Record<string, number | undefined>;
    this.sourceRules = LEXICON.source.rules.map((rule) => ({ ...rule, points: points[rule.id] ?? 0 }));
    this.sources = indexOf(this.sourceRules, lists);
    this.competitors = new Competitors(profile.competitors.companies);
    this.families = [...LEXICON.message.families, ...profile.phrases.map(ownFamily)];
    this.messages = indexOf<MessagePhrase & { phrases: readonly string[] }>(
      [
        ...this.families.map((family) => ({ family, phrases: family.phrases })),
        ...PITCH_TIERS.map((tier) => ({ tier, phrases: LEXICON.pitch[tier] })),
        { negation: 'harmless', phrases: LEXICON.negation.harmless },
        { negation: 'after', phrases: LEXICON.negation.after },
      ],
      lists,
    );
  }
}

/** The rival products of the lexicon and of the profile, for phrases such as "replace @rival". */
function withRivals({ competitors }: ScoringProfile): WordLists {
  const names = competitors.companies.map(({ name }) => name.toLowerCase()).filter((name) => /^[\p{L}\p{N}]+$/u.test(name));
  return { ...WORD_LISTS, rival: [...new Set([...WORD_LISTS['rival']!, ...names])] };
}

function ownFamily({ says, points, negated, phrases }: ScoringProfile['phrases'][number], at: number): Family {
  return {
    id: `own-${at + 1}`,
    kind: 'aside',
    intent: 'medium',
    says,
    points,
    phrases,
    ...(negated ? { negated: { ...negated, intent: 'low' as const } } : {}),
  };
}

function indexOf<T extends { phrases: readonly string[] }>(rules: readonly T[], lists: WordLists): PhraseIndex<T> {
  const index = new PhraseIndex<T>(lists);
  for (const rule of rules) index.add(rule.phrases, rule);
  return index;
}

const SHIPPED_PROFILE = parseShippedProfile(shipped);

/** The rules of the shipped profile. */
export const SHIPPED_RULES = new Ruleset(SHIPPED_PROFILE);

/** The rules of an operator's profile. */
export function rulesOf(written: WrittenProfile): Ruleset {
  return new Ruleset(completeProfile(SHIPPED_PROFILE, written));
}
