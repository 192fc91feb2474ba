import { createHash } from 'node:crypto';
import { PhraseIndex, type WordLists } from './phrases.js';
import cues from './cues.json' with { type: 'json' };
import source from './profile.json' with { type: 'json' };
import { profileSchema } from './profile.schema.js';
import steering from './steering.json' with { type: 'json' };

/** The rules and weights. */
export const PROFILE = profileSchema.parse(source);

/**
 * Over the JSON without its white space, so that neither a formatter nor the compiler's copy of it makes a new version.
 */
export const SCORER_VERSION = `heuristic-${createHash('sha256')
  .update(JSON.stringify([source, cues, steering]))
  .digest('hex')
  .slice(0, 12)}`;

const { _about, ...lists } = PROFILE.words;
const WORD_LISTS = lists as WordLists;

/** An empty index that knows the word lists of the profile. */
export function newIndex<T>(): PhraseIndex<T> {
  return new PhraseIndex<T>(WORD_LISTS);
}

/** An index of rules, each found under its own phrases. */
export function indexOf<T extends { phrases: readonly string[] }>(rules: readonly T[]): PhraseIndex<T> {
  const index = newIndex<T>();
  for (const rule of rules) index.add(rule.phrases, rule);
  return index;
}
