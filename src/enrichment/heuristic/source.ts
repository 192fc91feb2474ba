import type { Ruleset, SourceRule } from './ruleset.js';
import { readText } from './text.js';

const CAMEL_HUMP = /([a-z])([A-Z])/g;
const NOT_A_WORD = /[^\p{L}\p{N}]+/gu;
const MAX_LENGTH = 300;

/** The first rule that any of the values fits, or null where none of them tells. */
export function readSource(values: readonly string[], { sources, sourceRules }: Ruleset): SourceRule | null {
  const found = new Set<SourceRule>();
  for (const value of values) {
    const spaced = value.slice(0, MAX_LENGTH).replace(CAMEL_HUMP, '$1 $2').replace(NOT_A_WORD, ' ');
    for (const match of sources.findAll(readText(spaced))) found.add(match.payload);
  }
  return sourceRules.find((rule) => found.has(rule)) ?? null;
}
