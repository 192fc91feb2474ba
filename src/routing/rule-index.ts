import { listWords } from './compared-words.js';
import { domainLookups, lookupsOf, type LeadFacts } from './conditions.js';
import { domainWord } from './domain-words.js';
import type { ConditionSource, RoutingRule } from './rules.schema.js';

/** A lead can match only if one of these is among the words of the field. */
interface Need {
  field: string;
  kind: 'word' | 'domain';
  words: string[];
}

/**
 * Finds the rules that a lead may match without a look at each: most rules need one of a few values in one field. The
 * rules that it names are evaluated as ever; the ones that it leaves out cannot match.
 */
export class RuleIndex {
  /** Places of rules by field and word. */
  private readonly byField: Record<Need['kind'], Map<string, Map<string, number[]>>> = { word: new Map(), domain: new Map() };
  /** Rules that need no value, for example those with a range. */
  private readonly always: number[] = [];

  constructor(rules: readonly Pick<RoutingRule, 'when'>[]) {
    for (const [place, { when }] of rules.entries()) {
      const needs = needsOf(when);
      if (!needs) this.always.push(place);
      else for (const need of needs) this.add(need, place);
    }
  }

  /** Places of the rules that the lead may match, in order. */
  candidates(lead: LeadFacts): number[] {
    const places = new Set(this.always);
    for (const kind of ['word', 'domain'] as const)
      for (const [field, byWord] of this.byField[kind]) {
        const words = kind === 'word' ? lookupsOf(lead, field) : domainLookups(lead, field);
        for (const word of words) for (const place of byWord.get(word) ?? []) places.add(place);
      }
    return [...places].toSorted((a, b) => a - b);
  }

  private add({ field, kind, words }: Need, place: number): void {
    let byWord = this.byField[kind].get(field);
    if (!byWord) this.byField[kind].set(field, (byWord = new Map<string, number[]>()));
    for (const word of words) {
      const places = byWord.get(word);
      if (places) places.push(place);
      else byWord.set(word, [place]);
    }
  }
}

/** What a lead must have for a condition to be true, one of several; null where that cannot be said. */
function needsOf(condition: ConditionSource): Need[] | null {
  if (condition.all) {
    const parts = condition.all.flatMap((part) => [needsOf(part) ?? []].filter(({ length }) => length > 0));
    return parts.length === 0 ? null : parts.reduce((best, part) => (wordCount(part) < wordCount(best) ? part : best));
  }
  if (condition.any) {
    const parts = condition.any.map(needsOf);
    return parts.every((part) => part !== null) ? parts.flat() : null;
  }
  const { field, eq, in: list, matchesDomain } = condition;
  if (field === undefined) return null;
  const values = eq === undefined ? list : [eq];
  if (values) return [{ field, kind: 'word', words: [...listWords(field, values)] }];
  if (matchesDomain === undefined) return null;
  return [{ field, kind: 'domain', words: [matchesDomain].flat().map(domainWord) }];
}

const wordCount = (needs: Need[]) => needs.reduce((sum, { words }) => sum + words.length, 0);
