import { indexOf, newIndex, PROFILE } from './profile.js';
import type { LabelledRule, Seniority } from './profile.schema.js';
import { readText, type Text } from './text.js';

export interface TitleFacts {
  seniority: Seniority | null;
  function: LabelledRule | null;
}

const RULES = PROFILE.title.seniority;
const SENIORITY = indexOf(RULES);
const FUNCTIONS = indexOf(PROFILE.title.functions);
const CUT = newIndex<null>().add(PROFILE.title.cut, null);

/**
 * What a job title says. The function is read from the whole title: an assistant to the head of sales still works in
 * sales.
 */
export function readTitle(title: string): TitleFacts {
  const text = readText(title);
  const found = new Set(SENIORITY.findAll(own(text)).map((match) => match.payload));
  const functions = new Set(FUNCTIONS.findAll(text).map((match) => match.payload));
  return {
    seniority: RULES.find((rule) => found.has(rule)) ?? null,
    function: PROFILE.title.functions.find((rule) => functions.has(rule)) ?? null,
  };
}

/** The words about the person: in "assistant to the CEO" the CEO is somebody else. */
function own(text: Text): Text {
  const cut = CUT.findAll(text).find((match) => match.start > 0);
  return cut ? { words: text.words.slice(0, cut.start), breaks: text.breaks.slice(0, cut.start) } : text;
}
