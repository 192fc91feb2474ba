import type { Evidence } from '../../../domain/enrichment.js';
import type { Fields } from '../fields.js';
import { detectInjection } from './detect.js';
import { readMessage, type MessageFacts, type Signal } from '../message.js';
import { cuePoints } from '../points.js';
import { PROFILE } from '../profile.js';
import { readSource } from '../source.js';
import type { SourceRule } from '../profile.schema.js';
import { MAX_LENGTH } from '../text.js';
import { readTitle, type TitleFacts } from '../title.js';

const { says, points } = PROFILE.injection;

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
 * Reads the fields. In one that speaks to the scorer nothing good counts, and all that is bad does: both in the whole
 * text and in the part before the attempt, since what follows could hide it. So an order in the text raises no score.
 */
export function readUnsteered(fields: Fields): Reading {
  const tried: string[] = [];
  const check = (name: string, text: string) => {
    const facts = detectInjection(text);
    if (facts.found && !tried.includes(name)) tried.push(name);
    return facts;
  };
  const inTitle = check('title', fields.title);
  const inMessage = check('message', fields.written);
  const plain = (text: string) => (check('company', text).doubtful || !isLabel(text) ? '' : text);
  const [company, industry, size] = [plain(fields.company), plain(fields.industry), plain(fields.size)];
  const sources = fields.sources.map((text) => ({ text, ...check('source', text) }));

  const source = readSource(sources.map(({ before }) => before));
  return {
    title: inTitle.doubtful || !isLabel(fields.title) ? worst(fields.title) : readTitle(fields.title),
    message: inMessage.doubtful
      ? onlyBad([fields.message, inMessage.before, ...passages(fields.message)].map(readMessage))
      : readMessage(fields.message),
    source: source && source.points > 0 && sources.some(({ doubtful, text }) => doubtful || !isLabel(text)) ? null : source,
    fields: { ...fields, company, industry, size },
    attempts: tried.map((name) => ({ signal: `${name}: ${says}`, points, polarity: 'negative' })),
  };
}

const MAX_LABEL = 100;
const MAX_LABEL_WORDS = 10;
/** A sentence and then another, a mark of speech or of a program. */
const SENTENCES = /[.!?;][)"']?\s+\p{L}[^.]{9}|[\n!?"{}<>=[\]]|:\s/u;

/**
 * Whether a value is what its field asks for: a title, a company, a source is a few words. One that tells a story
 * brings nothing good, whatever the story, so an order that nobody recognises has nothing to win in these fields.
 */
function isLabel(text: string): boolean {
  return text.length <= MAX_LABEL && !SENTENCES.test(text) && text.split(/\s+/, MAX_LABEL_WORDS + 1).length <= MAX_LABEL_WORDS;
}

const MAX_TITLE_WORDS = 12;

/**
 * The worst that any beginning of the title says: "student" is one by the end of the field, which an order behind it
 * moves.
 */
function worst(title: string): TitleFacts {
  const words = title.split(/\s+/, MAX_TITLE_WORDS);
  const readings = [readTitle(title), ...words.map((_, at) => readTitle(words.slice(0, at + 1).join(' ')))];
  const bad = readings.map(({ seniority }) => seniority).filter((rule) => rule !== null && rule.points < 0);
  const work = readings.map((reading) => reading.function).find((rule) => rule !== null && rule.points < 0);
  return { seniority: bad.sort((a, b) => a!.points - b!.points)[0] ?? null, function: work ?? null };
}

const MAX_PASSAGES = 40;

/** The lines and sentences of a text: what follows an order stands in one that the order does not reach. */
function passages(whole: string): string[] {
  const text = whole.slice(0, MAX_LENGTH);
  return [text.split('\n', MAX_PASSAGES), text.split(/[.!?。！？;\n]+/, MAX_PASSAGES)]
    .flat()
    .filter((part) => part.trim() !== '');
}

/**
 * All that is bad in any reading, and the least favourable of the readings as a whole; one that finds something good
 * counts for nothing.
 */
function onlyBad(readings: readonly MessageFacts[]): MessageFacts {
  const signals = new Map<string, Signal>();
  for (const signal of readings.flatMap((reading) => reading.signals)) {
    const value = signal.negated ? signal.family.negated!.points : signal.family.points;
    if (value <= 0) signals.set(`${signal.family.id}:${signal.negated}`, signal);
  }
  const [worst] = readings.filter(({ cues }) => cuePoints(cues) < 0).sort((a, b) => cuePoints(a.cues) - cuePoints(b.cues));
  const pitch = readings.map((reading) => reading.pitch).find(({ fires }) => fires) ?? readings[0]!.pitch;
  return { empty: false, signals: [...signals.values()], pitch, cues: worst?.cues ?? null };
}
