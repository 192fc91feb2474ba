import { PhraseIndex, type WordLists } from './phrases.js';
import { lexiconSchema } from './lexicon.schema.js';
import source from './lexicon.json' with { type: 'json' };

/** How text is read: the same for each scoring profile. */
export const LEXICON = lexiconSchema.parse(source);

/** The text of lexicon.json, for the version of the rules. */
export const LEXICON_SOURCE: unknown = source;

const { _about, ...lists } = LEXICON.words;
export const WORD_LISTS = lists as WordLists;

/** An empty index that knows the word lists of the lexicon. */
export function newIndex<T>(): PhraseIndex<T> {
  return new PhraseIndex<T>(WORD_LISTS);
}
