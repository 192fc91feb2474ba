/** What stands before a word: nothing, a comma or dash, or the end of a sentence. */
export const NO_BREAK = 0;
export const COMMA = 1;
export const SENTENCE = 2;

export interface Text {
  /** Lower case, without accents; currency signs are words of their own. */
  readonly words: readonly string[];
  /** For each word, what stands before it. */
  readonly breaks: readonly number[];
}

/** No request begins behind the 4,000th character, and a hostile field must not cost more time than an honest one. */
export const MAX_LENGTH = 4000;

const ASCII = /^\p{ASCII}*$/u;
const MARKS = /\p{M}+/gu;
const DOTTED_ABBREVIATION = /\b(?:[a-z]\.){2,}/g;
const PIECES = /[\p{L}\p{N}]+|[$€£]|\n+|[.!?;](?=[\s.!?;]|$)|,(?=\s|$)|:| - |[–—]/gu;
const WORD = /[\p{L}\p{N}$€£]/u;
const SENTENCE_END = /[.!?;\n]/;

/** Lower case, without accents, typographic apostrophes made plain, at most 4,000 characters. */
export function fold(raw: string): string {
  const cut = raw.slice(0, MAX_LENGTH).toLowerCase();
  if (ASCII.test(cut)) return cut;
  const plain = cut.normalize('NFKD').replace(MARKS, '').replaceAll('ß', 'ss').replaceAll('’', "'");
  return plain.toLowerCase().slice(0, MAX_LENGTH);
}

/** Several readers look at the fields of a lead in turn: as many texts are kept as a lead has. */
const KEPT = 8;
const kept: { raw: string; text: Text }[] = [];
let oldest = 0;

/**
 * Splits a text into words. Contractions are taken apart (we're: `we re`) except those with n't, which stay one word
 * (`dont`), since they negate. Dotted abbreviations are joined (V.P.: `vp`).
 */
export function readText(raw: string): Text {
  for (const each of kept) if (each.raw === raw) return each.text;
  const text = split(raw);
  kept[oldest] = { raw, text };
  oldest = (oldest + 1) % KEPT;
  return text;
}

function split(raw: string): Text {
  const folded = fold(raw)
    .replaceAll("n't", 'nt')
    .replace(DOTTED_ABBREVIATION, (match) => match.replaceAll('.', ''));
  const words: string[] = [];
  const breaks: number[] = [];
  let before = SENTENCE;
  for (const piece of folded.match(PIECES) ?? []) {
    if (isWord(piece)) {
      words.push(piece);
      breaks.push(before);
      before = NO_BREAK;
    } else {
      before = Math.max(before, SENTENCE_END.test(piece) ? SENTENCE : COMMA);
    }
  }
  return { words, breaks };
}

const [A, Z] = [97, 122];

/** Most are plain letters, which need no pattern. */
function isWord(piece: string): boolean {
  const code = piece.charCodeAt(0);
  return (code >= A && code <= Z) || WORD.test(piece);
}
