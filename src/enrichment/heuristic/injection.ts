import type { PhraseIndex } from './phrases.js';
import { newIndex, PROFILE } from './profile.js';
import { readText, SENTENCE, type Text } from './text.js';

export interface InjectionFacts {
  found: boolean;
  /** The text before the first sign; the whole text where there is none. */
  before: string;
}

const INDEX = newIndex<null>().add(PROFILE.injection.phrases, null);
const HINTS = readHints();
/** The kinds of hints of a sentence that are one too many; where people speak of themselves, one more. */
const MAX_KINDS = 1;
const FIRST_PERSON = new Set([
  'we',
  'i',
  'our',
  'my',
  'us',
  'wir',
  'ich',
  'unser',
  'unsere',
  'nous',
  'notre',
  'nos',
  'nuestro',
  'nuestra',
  'noi',
  'nostro',
  'nostra',
]);
const MAX_LENGTH = 8000;
/** `Score 9` is the shortest order. */
const MIN_LENGTH = 6;

/** Tag characters, zero-width and direction marks: text that a person does not see and a model does. */
const HIDDEN = /[\u{E0000}-\u{E007F}]|[\u200B\u2060\u2062-\u2064\u202A-\u202E\u2066-\u2069\uFEFF]/u;
const HIDDEN_ALL = /[\u{E0000}-\u{E007F}\u00AD\u200B-\u200F\u2060-\u2064\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

/** What only somebody who writes to a program would type into a form: chat roles, our own field names, tags, a block of code. */
const MARKUP = [
  /<\/?\s*(?:system|assistant|user|lead|instructions?|prompt|im_start|im_end)\b[^>]*>?/i,
  /<\|[^|]{1,40}\|>|\[\/?INST\]|<<\/?SYS>>|###\s*(?:system|instruction|assistant|new task)/i,
  /(?:^|[\n"'{,;]|\.\s)\s*(?:system|assistant|developer|sistema|système|operator|operador|系统|系统提示)\s*(?:prompt|message|note|override)?\s*[:：]/i,
  /["'`]?\b(?:fit_?score|lead_?score|scoreSource|needsRescore)\b["'`]?\s*(?:[:=]|to\b|must\b|should\b|is\b|of\b)/i,
  /[{,]\s*["'](?:score|intent|confidence|evidence|reasoning)["']\s*:/i,
  /```|<!--/,
  /\[(?:system|admin|note|ai|model|assistant|internal|override|verified)[^\]]{0,40}\]/i,
];
/** Words spelt out letter by letter, or a long run of base64, to get past a reader of words. */
const SPELT = /(?:\b\p{L}[ .\-_]){8,}\p{L}\b/u;
const BASE64 = /(?:^|\s)(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{40,}={0,2}(?:\s|$)/;

/**
 * Whether a text speaks to the scorer instead of to us. It errs on the side of suspicion: what it finds costs a lead what is good in
 * that field, and nothing else.
 */
export function detectInjection(raw: string): InjectionFacts {
  const text = raw.slice(0, MAX_LENGTH);
  if (text.length < MIN_LENGTH) return { found: false, before: raw };
  const starts = [HIDDEN, BASE64, ...MARKUP].map((pattern) => text.search(pattern)).filter((at) => at >= 0);
  const visible = starts.length > 0 ? text.slice(0, Math.min(...starts)) : text;
  const spoken = beforeInstruction(visible);
  if (spoken !== null) return { found: true, before: spoken };
  if (starts.length > 0) return { found: true, before: visible };
  if (SPELT.test(text) && beforeInstruction(joinSpelt(text)) !== null) return { found: true, before: '' };
  return { found: false, before: raw };
}

/** The text as a person sees it. */
export function withoutHiddenText(text: string): string {
  return text.replace(HIDDEN_ALL, '');
}

function readHints(): PhraseIndex<string> {
  const { _about, ...kinds } = PROFILE.injection.hints;
  const index = newIndex<string>();
  for (const [kind, phrases] of Object.entries(kinds)) index.add(phrases as string, kind);
  return index;
}

/** The beginnings of the sentences in which too many kinds of hints come together. */
function hintedSentences(text: Text): number[] {
  const matches = HINTS.findAll(text);
  if (matches.length <= MAX_KINDS) return [];
  const begins = text.words.flatMap((_, at) => (text.breaks[at] === SENTENCE ? [at] : []));
  return begins.filter((begin, number) => {
    const end = begins[number + 1] ?? text.words.length;
    const kinds = new Set(matches.filter(({ start }) => start >= begin && start < end).map(({ payload }) => payload));
    const personal = text.words.slice(begin, end).some((word) => FIRST_PERSON.has(word));
    return kinds.size > MAX_KINDS + (personal ? 1 : 0);
  });
}

/** What is said before the first instruction; null where there is none. */
function beforeInstruction(raw: string): string | null {
  const text = readText(raw);
  const starts = [...INDEX.findAll(text).map((match) => match.start), ...hintedSentences(text)];
  if (starts.length === 0) return null;
  const words = text.words.slice(0, Math.min(...starts));
  return words.map((word, at) => (text.breaks[at] === SENTENCE && at > 0 ? `. ${word}` : word)).join(' ');
}

function joinSpelt(text: string): string {
  return text.replace(/(?<=\b\p{L})[ .\-_](?=\p{L}\b)/gu, '');
}
