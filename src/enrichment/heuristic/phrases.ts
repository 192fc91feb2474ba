/** More of a field than this is not read: the beginning tells, and the cost of a lead stays bounded. */
const MAX_CHARACTERS = 4000;

/** A text as the phrases see it: lower case, no accents, words apart. */
export function wordsOf(text: string): string[] {
  return text
    .slice(0, MAX_CHARACTERS)
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}|]+/u)
    .filter((word) => word !== '');
}

interface Phrase {
  words: string[];
  /** The last word stands for any word that begins so. */
  open: boolean;
  group: number;
}

/** Where a phrase was found: its group, its first word and how many words it has. */
export interface PhraseMatch {
  group: number;
  at: number;
  length: number;
}

/**
 * Finds many phrases in one walk over the words: phrases are kept by their first word, so the cost grows with the text and not
 * with the number of phrases.
 */
export class PhraseFinder {
  private readonly byFirstWord = new Map<string, Phrase[]>();
  private readonly prefixes: { prefix: string; group: number }[] = [];

  /** @param groups phrases by group; a match tells its group's number. */
  constructor(groups: readonly (readonly string[])[]) {
    for (const [group, phrases] of groups.entries()) {
      for (const phrase of phrases) this.add(phrase, group);
    }
  }

  private add(text: string, group: number): void {
    const open = text.endsWith('*');
    const words = wordsOf(text);
    if (open && words.length === 1) {
      this.prefixes.push({ prefix: words[0]!, group });
      return;
    }
    const list = this.byFirstWord.get(words[0]!) ?? [];
    list.push({ words, open, group });
    this.byFirstWord.set(words[0]!, list);
  }

  find(words: readonly string[]): PhraseMatch[] {
    const found: PhraseMatch[] = [];
    for (const [at, word] of words.entries()) {
      for (const phrase of this.byFirstWord.get(word) ?? []) {
        if (matches(phrase, words, at)) found.push({ group: phrase.group, at, length: phrase.words.length });
      }
      for (const { prefix, group } of this.prefixes) {
        if (word.startsWith(prefix)) found.push({ group, at, length: 1 });
      }
    }
    return found;
  }
}

function matches(phrase: Phrase, words: readonly string[], at: number): boolean {
  return phrase.words.every((expected, offset) => {
    const word = words[at + offset];
    if (word === undefined) return false;
    return phrase.open && offset === phrase.words.length - 1 ? word.startsWith(expected) : word === expected;
  });
}
