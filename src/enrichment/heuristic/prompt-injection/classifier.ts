import type { Evidence } from '../../../domain/enrichment.js';
import type { Fields } from '../fields.js';
import { detectInjection } from './detect.js';
import { readMessage, type MessageFacts, type Signal } from '../message.js';
import { cuePoints } from '../points.js';
import { LEXICON } from '../lexicon.js';
import type { Ruleset, SourceRule } from '../ruleset.js';
import { readSource } from '../source.js';
import { MAX_LENGTH } from '../text.js';
import { readTitle, type TitleFacts } from '../title.js';

const { says, points } = LEXICON.injection;

/** What a lead says, where no text that tries to steer the scorer can have made it better. */
export interface Reading {
  title: TitleFacts;
  message: MessageFacts;
  source: SourceRule | null;
  fields: Fields;
  /** One line for each kind of field that tried. */
  attempts: (Evidence & { points: number })[];
}

/**
 * Reads the fields. In a field that addresses the scorer, positive signals do not count and negative ones do: those of
 * the whole text and those of the part before the attempt, since what follows could hide them. So an order in the text
 * raises no score.
 */
export function readUnsteered(fields: Fields, rules: Ruleset): Reading {
  const tried: string[] = [];
  const check = (name: string, text: string) => {
    const facts = detectInjection(text);
    if (facts.found && !tried.includes(name)) tried.push(name);
    return facts;
  };
  const inTitle = check('title', fields.title);
  const inMessage = check('message', fields.written);
  const plain = (text: string) => (check('company', text).doubtful || !isLabel(text, MAX_NAME_WORDS) ? '' : text);
  const [company, industry, size] = [plain(fields.company), plain(fields.industry), plain(fields.size)];
  const sources = fields.sources.map((text) => ({ text, ...check('source', text) }));

  const source = readSource(
    sources.map(({ before }) => before),
    rules,
  );
  const read = (text: string) => readMessage(text, rules);
  return {
    title:
      inTitle.doubtful || !isLabel(fields.title) || ADDRESS.test(fields.title)
        ? worst(fields.title, rules)
        : readTitle(fields.title, rules),
    message: inMessage.doubtful
      ? onlyBad([fields.message, inMessage.before, ...passages(fields.message)].map(read), rules)
      : read(fields.message),
    source: source && source.points > 0 && sources.some(({ doubtful, text }) => doubtful || !isLabel(text)) ? null : source,
    fields: { ...fields, company, industry, size },
    attempts: tried.map((name) => ({ signal: `${name}: ${says}`, points, polarity: 'negative' })),
  };
}

const MAX_LABEL = 100;
const MAX_LABEL_WORDS = 10;
/** Of a company, an industry, a size. */
const MAX_NAME_WORDS = 7;
/** A sentence and then another, a mark of speech or of a program. */
const SENTENCES = /[.!?;][)"']?\s+\p{L}[^.]{9}|[\n!?"{}<>=[\]]|:\s/u;

/** A title has no word that speaks to a reader. */
const ADDRESS = /\b(?:me|my|you|your|please|mich|mir|bitte|moi)\b/iu;

/**
 * Whether a value is what its field asks for: a title, a company, a source is a few words. A longer text earns no
 * points, so an order that is not detected gains nothing in these fields.
 */
function isLabel(text: string, words = MAX_LABEL_WORDS): boolean {
  return text.length <= MAX_LABEL && !SENTENCES.test(text) && text.split(/\s+/, words + 1).length <= words;
}

const MAX_TITLE_WORDS = 12;

/**
 * The worst reading of any beginning of the title. `student $` matches at the end of the field only, and an order
 * behind it moves that end.
 */
function worst(title: string, rules: Ruleset): TitleFacts {
  const words = title.split(/\s+/, MAX_TITLE_WORDS);
  const readings = [title, ...words.map((_, at) => words.slice(0, at + 1).join(' '))].map((text) => readTitle(text, rules));
  const bad = readings.map(({ seniority }) => seniority).filter((rule) => rule !== null && rule.points < 0);
  const work = readings.map((reading) => reading.department).find((rule) => rule !== null && rule.points < 0);
  return { seniority: bad.sort((a, b) => a!.points - b!.points)[0] ?? null, department: work ?? null };
}

const MAX_PASSAGES = 40;

/** The lines and sentences of a text: an order does not change the reading of another sentence. */
function passages(whole: string): string[] {
  const text = whole.slice(0, MAX_LENGTH);
  return [text.split('\n', MAX_PASSAGES), text.split(/[.!?。！？;\n]+/, MAX_PASSAGES)]
    .flat()
    .filter((part) => part.trim() !== '');
}

/** The negative signals of each reading, and the reading with the fewest points; a positive reading does not count. */
function onlyBad(readings: readonly MessageFacts[], { profile }: Ruleset): MessageFacts {
  const worth = ({ cues }: MessageFacts) => cuePoints(cues, profile);
  const signals = new Map<string, Signal>();
  for (const signal of readings.flatMap((reading) => reading.signals)) {
    const value = signal.negated ? signal.family.negated!.points : signal.family.points;
    if (value <= 0) signals.set(`${signal.family.id}:${signal.negated}`, signal);
  }
  const [worst] = readings.filter((reading) => worth(reading) < 0).sort((a, b) => worth(a) - worth(b));
  const cues = worst?.cues ?? null;
  // Its points count, and a wish in it does not.
  const intent = cues?.intent === 'none' ? 'none' : 'low';
  const pitch = readings.map((reading) => reading.pitch).find(({ fires }) => fires) ?? readings[0]!.pitch;
  return { empty: false, signals: [...signals.values()], pitch, cues: cues && { ...cues, intent } };
}
