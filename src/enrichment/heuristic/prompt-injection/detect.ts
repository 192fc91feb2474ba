import { findSteering, STEERING, type Steering } from './features.js';
import { readText, SENTENCE } from '../text.js';

export interface InjectionFacts {
  found: boolean;
  /** Not enough to say so, and too much to pay for what it asks. */
  doubtful: boolean;
  /** The text before the first sign; the whole text where there is none. */
  before: string;
}

const MAX_LENGTH = 8000;
/** `Score 9` is the shortest order. */
const MIN_LENGTH = 6;

/** Tag characters, zero-width and direction marks: text that a person does not see and a model does. */
const HIDDEN = /[\u{E0000}-\u{E007F}]|[\u200B\u2060\u2062-\u2064\u202A-\u202E\u2066-\u2069\uFEFF]/u;
const HIDDEN_ALL = /[\u{E0000}-\u{E007F}\u00AD\u200B-\u200F\u2060-\u2064\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

/** What only a person who writes to a program types into a form: chat roles, our field names, tags, a block of code. */
const MARKUP = [
  /<\/?\s*(?:system|assistant|user|lead|instructions?|prompt|im_start|im_end)\b[^>]*>?/i,
  /<\|[^|]{1,40}\|>|\[\/?INST\]|<<\/?SYS>>|###\s*(?:system|instruction|assistant|new task)/i,
  /(?:^|[\n"'{,;]|[.?!]\s)\s*(?:system|assistant|developer|sistema|système|operator|operador|系统|系统提示)\s*(?:prompt|message|note|override)?\s*[:：]/i,
  /["'`]?\b(?:fit_?score|lead_?score|scoreSource|needsRescore)\b["'`]?\s*(?:[:=]|to\b|must\b|should\b|is\b|of\b)/i,
  /[{,]\s*["'](?:score|intent|confidence|evidence|reasoning)["']\s*:/i,
  /```|<!--/,
  /\bSYSTEM\b(?:\s+\p{L}+)?\s*[:：]/u,
  /\b(?:score|rate|rank|grade|mark|classify)\s+(?:me|us|this|it|him|her)\b.{0,20}\b(?:9\d|100|highest|maximum|top|hot)\b/i,
  /\b(?:actual|real|true|new)\s+(?:input|lead|message|enquiry)\s*:/i,
  /\[(?:system|admin|note|ai|model|assistant|internal|override|verified)[^\]]{0,40}\]/i,
];
/** Words spelt out letter by letter, or a long run of base64, to get past a reader of words. */
const SPELT = /(?:\b\p{L}[ .\-_]{1,3}){8,}\p{L}\b/u;
const BASE64 = /(?:^|\s)(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{32,}={0,2}(?:\s|$)/;

/** A word of Latin letters with Cyrillic or Greek ones among them, which look alike. */
const DISGUISED = /\p{Script=Latin}[\p{Script=Cyrillic}\p{Script=Greek}]|[\p{Script=Cyrillic}\p{Script=Greek}]\p{Script=Latin}/u;
const SIGNS = [HIDDEN, BASE64, SPELT, DISGUISED, ...MARKUP];
const FIGURE_IN_WORD = /(?<=\p{L}\p{L}?)[013457](?=\p{L}{2})|(?<=\p{L}{2})[013457](?=\p{L})/gu;
const LETTERS: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't' };

/**
 * Whether a text addresses the scorer instead of the company. A field where it does loses its positive signals, and
 * nothing else. Phrases alone are not enough, since customers speak of scores and rules too: the words around them must
 * agree.
 */
export function detectInjection(raw: string): InjectionFacts {
  const text = raw.slice(0, MAX_LENGTH);
  if (text.length < MIN_LENGTH) return { found: false, doubtful: false, before: raw };
  const starts = SIGNS.map((pattern) => text.search(pattern)).filter((at) => at >= 0);
  const visible = starts.length > 0 ? text.slice(0, Math.min(...starts)) : text;
  const { likelihood, spoken, ordered, before } = readOrders(visible);
  const found = starts.length > 0 || likelihood >= STEERING.limit || (spoken && likelihood >= STEERING.besidePhrase);
  const doubtful = spoken || ordered || likelihood >= STEERING.doubt;
  if (found) return { found, doubtful: true, before: doubtful ? before() : visible };
  return { found, doubtful, before: raw };
}

/** The text as a person sees it. */
export function withoutHiddenText(text: string): string {
  return text.replace(HIDDEN_ALL, '');
}

function readOrders(raw: string): Steering & { before(): string } {
  const text = readText(raw.replace(FIGURE_IN_WORD, (figure) => LETTERS[figure]!));
  const steering = findSteering(raw, text);
  const before = () => {
    const words = text.words.slice(0, Math.min(steering.start, text.words.length));
    return words.map((word, at) => (text.breaks[at] === SENTENCE && at > 0 ? `. ${word}` : word)).join(' ');
  };
  return { ...steering, before };
}
