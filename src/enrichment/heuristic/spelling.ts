import { LEXICON } from './lexicon.js';
import type { Text } from './text.js';

const { words, not } = LEXICON.spelling;
const MIN_LENGTH = 4;
const SLIPS = readSlips();

/** Every spelling with one slip, and the word that was meant. */
function readSlips(): Map<string, string> {
  const slips = new Map<string, string>();
  const real = new Set([...words, ...not]);
  for (const word of words) {
    for (let at = 0; at < word.length; at++) {
      const [before, letter, after] = [word.slice(0, at), word[at]!, word.slice(at + 1)];
      const swapped = after === '' ? word : before + after[0]! + letter + after.slice(1);
      const missing = at === 0 ? word : before + after;
      for (const slip of [swapped, missing, before + letter + letter + after]) {
        if (slip.length >= MIN_LENGTH && !real.has(slip)) slips.set(slip, word);
      }
    }
  }
  return slips;
}

/** Corrects slips in a few words of a request. The positions of the words stay as they are. */
export function correctSpelling(text: Text): Text {
  if (!text.words.some((word) => SLIPS.has(word))) return text;
  return { ...text, words: text.words.map((word) => SLIPS.get(word) ?? word) };
}
