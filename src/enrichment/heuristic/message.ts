import { cuesOf, PITCH_CUE, readCues, REFUSED_CUE, saidCue, WISH_CUE, type CueReading, type Cues } from './cues.js';
import { newIndex, PROFILE } from './profile.js';
import type { Family } from './profile.schema.js';
import type { Match } from './phrases.js';
import { Negation, type NegationSign } from './negation.js';
import { mendSpelling } from './spelling.js';
import { readText, type Text } from './text.js';

/** A family of phrases that a message contains. */
export interface Signal {
  family: Family;
  /** Where it was last said, in words from the beginning; for a refusal, where that ends. */
  at: number;
  negated: boolean;
  /** The phrase's own words, with … for what it skips. */
  quote: string;
}

export type PitchTier = 'directed' | 'trade' | 'offering';

export interface MessageFacts {
  empty: boolean;
  signals: Signal[];
  /** How strongly the message reads like somebody selling to us, and the phrase that says so most. */
  pitch: { fires: boolean; quote: string };
  /** What the words are about as a whole; null where they tell nothing. */
  cues: CueReading | null;
}

type Payload = { family: Family } | { tier: PitchTier } | { negation: NegationSign };

const { families } = PROFILE.message;
const { pitch: PITCH } = PROFILE;
const TIERS = ['directed', 'trade', 'offering'] as const;
const INDEX = buildIndex();
/** A phrase said more often than this tells nothing new. */
const MAX_MATCHES = 20;

function buildIndex() {
  const index = newIndex<Payload>();
  for (const family of families) index.add(family.phrases, { family });
  for (const tier of TIERS) index.add(PITCH[tier], { tier });
  index.add(PROFILE.negation.harmless, { negation: 'harmless' });
  index.add(PROFILE.negation.after, { negation: 'after' });
  return index;
}

/** Reads what a person wrote. */
export function readMessage(message: string): MessageFacts {
  const { cues, ...facts } = readPhrases(message);
  return unredeemed(message, { ...facts, cues: readCues(cues) });
}

/** What is counted in a message: groups of words, families of phrases, its shape. */
export function messageCues(message: string): Cues {
  return readPhrases(message).cues;
}

function readPhrases(message: string) {
  const text = mendSpelling(readText(message));
  const matches = INDEX.findAll(text);
  const negation = new Negation(text, matches);
  const signals = families.flatMap((family) => signalsOf(family, matches, negation, text));
  const pitch = readPitch(matches, negation, signals, text);
  const cues = cuesOf(message, text, negation.harmless);
  // What a seller or an applicant asks for (a call, an offer, a job) is no wish to buy.
  const barred = pitch.fires || signals.some(({ family, negated }) => family.kind === 'disqualifier' && !negated);
  for (const { family, negated } of signals) {
    const wish = family.kind === 'buying' && !negated;
    if (!wish || !barred) cues[saidCue(family.id, negated)] = 1;
    if (wish && !barred && family.intent === 'high') cues[WISH_CUE] = 1;
  }
  if (endsInRefusal(signals)) cues[REFUSED_CUE] = 1;
  if (pitch.fires) cues[PITCH_CUE] = 1;
  return { empty: text.words.length === 0, signals, pitch, cues };
}

/** The last word counts: "not interested in the blog, but we need prices". */
function endsInRefusal(signals: readonly Signal[]): boolean {
  const last = (test: (signal: Signal) => boolean) => Math.max(-1, ...signals.filter(test).map(({ at }) => at));
  const refused = last(({ family, negated }) => (negated ? family.negated!.intent === 'none' : family.kind === 'refusal'));
  return refused >= 0 && refused >= last(({ family, negated }) => !negated && family.kind === 'buying');
}

const MAX_PARAGRAPHS = 8;

/** What by itself reads like a seller's or an applicant's paragraph stays one, whatever is wished for in the next. */
function unredeemed(message: string, whole: MessageFacts): MessageFacts {
  const paragraphs = message.split('\n', MAX_PARAGRAPHS).filter((part) => part.trim() !== '');
  if (paragraphs.length < 2 || isVeto(whole.cues)) return whole;
  const cues = paragraphs.map((part) => readMessage(part).cues).find(isVeto);
  return cues ? { ...whole, cues } : whole;
}

/** So much like a seller or an applicant that no other paragraph outweighs it. */
function isVeto(cues: CueReading | null): cues is CueReading {
  return cues !== null && cues.ample && cues.probability.none >= PROFILE.cues.veto;
}

/** At most one plain and one negated signal a family. */
function signalsOf(family: Family, matches: Match<Payload>[], negation: Negation, text: Text): Signal[] {
  const own = matches.filter(({ payload }) => 'family' in payload && payload.family === family).slice(0, MAX_MATCHES);
  if (own.length === 0) return [];
  // "not interested" contains its own negation; a second one before it denies something else.
  const denied = family.kind === 'refusal' ? [] : own.filter((match) => negation.denies(match));
  const plain = own.filter((match) => !denied.some((other) => match.start >= other.start && match.start < other.end));
  const signal = (list: Match<Payload>[], negated: boolean): Signal[] => {
    const last = list.at(-1);
    // A refusal outlives a wish that begins inside it: "we no longer need a CRM" needs none.
    const at = last && family.kind === 'refusal' ? last.end : last?.start;
    return last ? [{ family, at: at!, negated, quote: quote(last, text) }] : [];
  };
  return [...signal(plain, false), ...(family.negated ? signal(denied, true) : [])];
}

function readPitch(matches: Match<Payload>[], negation: Negation, signals: Signal[], text: Text): MessageFacts['pitch'] {
  let weight = 0;
  let strongest = '';
  for (const tier of TIERS) {
    const own = matches.filter((match) => 'tier' in match.payload && match.payload.tier === tier && !negation.denies(match));
    weight += PITCH.weights[tier] * Math.min(distinct(own), 2);
    if (strongest === '' && own[0]) strongest = quote(own[0], text);
  }
  const wants = (test: (family: Family) => boolean) => signals.some(({ family, negated }) => !negated && test(family));
  if (wants((family) => family.id === 'need')) weight += PITCH.weights.need;
  if (wants((family) => family.kind === 'buying' && family.intent === 'high' && family.id !== 'need'))
    weight += PITCH.weights.buying;
  return { fires: weight >= PITCH.threshold, quote: strongest };
}

/** Overlapping matches say one thing. */
function distinct(matches: Match<Payload>[]): number {
  let count = 0;
  let end = -1;
  for (const match of matches) {
    if (match.start < end) continue;
    count++;
    end = match.end;
  }
  return count;
}

const MAX_QUOTE = 60;

function quote({ named }: Match<Payload>, { words }: Text): string {
  const parts: string[] = [];
  named.forEach((position, index) => {
    if (index > 0 && position > named[index - 1]! + 1) parts.push('…');
    parts.push(words[position]!);
  });
  const joined = parts.join(' ');
  return joined.length > MAX_QUOTE ? `${joined.slice(0, MAX_QUOTE - 1).toWellFormed()}…` : joined;
}
