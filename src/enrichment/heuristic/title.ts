import { LEXICON, newIndex } from './lexicon.js';
import type { LabelledRule, Seniority } from './profile.schema.js';
import type { Ruleset } from './ruleset.js';
import { readText, type Text } from './text.js';

export interface TitleFacts {
  seniority: Seniority | null;
  department: LabelledRule | null;
}

const CUT = newIndex<null>().add(LEXICON.title.cut, null);

/** The department is read from the whole title: an assistant to the head of sales works in sales too. */
export function readTitle(title: string, { profile, seniority, departments }: Ruleset): TitleFacts {
  const text = readText(title);
  const found = new Set(seniority.findAll(own(text)).map((match) => match.payload));
  const named = new Set(departments.findAll(text).map((match) => match.payload));
  return {
    seniority: profile.titles.seniority.find((rule) => found.has(rule)) ?? null,
    department: profile.titles.departments.find((rule) => named.has(rule)) ?? null,
  };
}

/** The words about the person: in "assistant to the CEO" the CEO is another person. */
function own(text: Text): Text {
  const cut = CUT.findAll(text).find((match) => match.start > 0);
  return cut ? { words: text.words.slice(0, cut.start), breaks: text.breaks.slice(0, cut.start) } : text;
}
