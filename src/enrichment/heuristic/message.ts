import { cuesOf, isFitted, PITCH_CUE, readCues, REFUSED_CUE, saidCue, WISH_CUE, type CueReading, type Cues } from './cues.js';
import { LEXICON } from './lexicon.js';
import type { Family } from './lexicon.schema.js';
import type { Match } from './phrases.js';
import { Negation } from './negation.js';
import { PITCH_TIERS, SHIPPED_RULES, type MessagePhrase, type Ruleset } from './ruleset.js';
import { correctSpelling } from './spelling.js';
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

export interface MessageFacts {
  empty: boolean;
  signals: Signal[];
  /** Whether the message reads like that of a seller, and the strongest phrase for it. */
  pitch: { fires: boolean; quote: string };
  /** What the words are about as a whole; null where no word is known. */
  cues: CueReading | null;
}

const { pitch: PITCH } = LEXICON;
/** A phrase said more often than this tells nothing new. */
const MAX_MATCHES = 20;

/** Reads what a person wrote. */
export function readMessage(message: string, rules: Ruleset): MessageFacts {
  const { cues, text, ...facts } = readPhrases(message, rules);
  return withVeto(message, { ...facts, cues: readCues(cues, text) }, rules);
}

/** What the weights of cues.json are fitted to: groups of words, families of phrases, the shape of the message. */
export function messageCues(message: string): { cues: Cues; text: Text } {
  return readPhrases(message, SHIPPED_RULES);
}

function readPhrases(message: string, rules: Ruleset) {
  const text = correctSpelling(readText(message));
  const matches = rules.messages.findAll(text);
  const negation = new Negation(text, matches);
  const byFamily = groupedByFamily(matches);
  const signals = rules.families.flatMap((family) => signalsOf(family, byFamily.get(family) ?? [], negation, text));
  const pitch = readPitch(matches, negation, signals, text);
  const cues = cuesOf(message, text, negation.harmless);
  // What a seller or an applicant asks for (a call, an offer, a job) is no wish to buy.
  const barred = pitch.fires || signals.some(({ family, negated }) => family.kind === 'disqualifier' && !negated);
  for (const { family, negated } of signals) {
    if (!isFitted(family.id)) continue;
    const wish = family.kind === 'buying' && !negated;
    if (!wish || !barred) cues[saidCue(family.id, negated)] = 1;
    if (wish && !barred && family.intent === 'high') cues[WISH_CUE] = 1;
  }
  if (endsInRefusal(signals)) cues[REFUSED_CUE] = 1;
  if (pitch.fires) cues[PITCH_CUE] = 1;
  return { empty: text.words.length === 0, signals, pitch, cues, text };
}

/** The last word counts: "not interested in the blog, but we need prices". */
function endsInRefusal(signals: readonly Signal[]): boolean {
  const last = (test: (signal: Signal) => boolean) => Math.max(-1, ...signals.filter(test).map(({ at }) => at));
  const refused = last(({ family, negated }) => (negated ? family.negated!.intent === 'none' : family.kind === 'refusal'));
  return refused >= 0 && refused >= last(({ family, negated }) => !negated && family.kind === 'buying');
}

const MAX_PARAGRAPHS = 8;

/** A paragraph that by itself reads like a seller's or an applicant's decides, whatever the next one asks for. */
function withVeto(message: string, whole: MessageFacts, rules: Ruleset): MessageFacts {
  const paragraphs = message.split('\n', MAX_PARAGRAPHS).filter((part) => part.trim() !== '');
  if (paragraphs.length < 2 || isVeto(whole.cues)) return whole;
  const cues = paragraphs.map((part) => readMessage(part, rules).cues).find(isVeto);
  return cues ? { ...whole, cues } : whole;
}

/** So much like a seller or an applicant that no other paragraph outweighs it. */
function isVeto(cues: CueReading | null): cues is CueReading {
  return cues !== null && cues.ample && cues.probability.none >= LEXICON.cues.veto;
}

/** The first matches of each family that occurs; most do not. */
function groupedByFamily(matches: readonly Match<MessagePhrase>[]): Map<Family, Match<MessagePhrase>[]> {
  const groups = new Map<Family, Match<MessagePhrase>[]>();
  for (const match of matches) {
    if (!('family' in match.payload)) continue;
    const { family } = match.payload;
    const own = groups.get(family);
    if (!own) groups.set(family, [match]);
    else if (own.length < MAX_MATCHES) own.push(match);
  }
  return groups;
}

/** At most one plain and one negated signal per family. */
function signalsOf(family: Family, own: Match<MessagePhrase>[], negation: Negation, text: Text): Signal[] {
  if (own.length === 0) return [];
  // "not interested" contains its own negation; a second one before it denies something else.
  const denied = family.kind === 'refusal' ? [] : own.filter((match) => negation.denies(match));
  const plain = own.filter((match) => !denied.some((other) => match.start >= other.start && match.start < other.end));
  const signal = (list: Match<MessagePhrase>[], negated: boolean): Signal[] => {
    const last = list.at(-1);
    // A refusal outlives a wish that begins inside it: "we no longer need a CRM" needs none.
    const at = last && family.kind === 'refusal' ? last.end : last?.start;
    return last ? [{ family, at: at!, negated, quote: quote(last, text) }] : [];
  };
  return [...signal(plain, false), ...(family.negated ? signal(denied, true) : [])];
}

function readPitch(matches: Match<MessagePhrase>[], negation: Negation, signals: Signal[], text: Text): MessageFacts['pitch'] {
  let weight = 0;
  let strongest = '';
  for (const tier of PITCH_TIERS) {
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
function distinct(matches: Match<MessagePhrase>[]): number {
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

function quote({ named }: Match<MessagePhrase>, { words }: Text): string {
  const parts: string[] = [];
  named.forEach((position, index) => {
    if (index > 0 && position > named[index - 1]! + 1) parts.push('…');
    parts.push(words[position]!);
  });
  const joined = parts.join(' ');
  return joined.length > MAX_QUOTE ? `${joined.slice(0, MAX_QUOTE - 1).toWellFormed()}…` : joined;
}
