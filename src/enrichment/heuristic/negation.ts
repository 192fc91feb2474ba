import { LEXICON } from './lexicon.js';
import type { Match } from './phrases.js';
import { COMMA, NO_BREAK, SENTENCE, type Text } from './text.js';

export type NegationSign = 'harmless' | 'after';

const { window: WINDOW } = LEXICON.negation;
const NEGATORS = new Set(LEXICON.negation.words);
const BREAKERS = new Set(LEXICON.negation.breakers);
const JOINERS = new Set(LEXICON.negation.joiners);
const STARTERS = new Set(LEXICON.negation.starters);

/** How far behind a phrase a negation may stand: "the demo you mentioned is not needed". */
const AFTER = 4;

/** Which words of a text are denied: found in one pass, asked once a match. */
export class Negation {
  /** For each word, whether a negation in its clause reaches it from before. */
  private readonly reached: boolean[] = [];
  private readonly negators = new Set<number>();
  private readonly after = new Set<number>();
  /** Negations that deny nothing: "can't wait". */
  readonly harmless = new Set<number>();

  constructor(
    private readonly text: Text,
    matches: readonly Match<object>[],
  ) {
    text.words.forEach((word, at) => {
      if (NEGATORS.has(word)) this.negators.add(at);
    });
    for (const match of matches) {
      const sign = 'negation' in match.payload ? match.payload.negation : null;
      if (sign === 'harmless')
        for (const position of match.named) if (this.negators.delete(position)) this.harmless.add(position);
      if (sign === 'after') this.after.add(match.start);
    }
    this.reach();
  }

  denies({ start, end, named }: Match<unknown>): boolean {
    if (this.reached[start]) return true;
    for (let at = start; at < end; at++) if (this.negators.has(at) && !named.includes(at)) return true;
    for (let at = end; at < end + AFTER && at < this.text.words.length && !this.beginsClause(at); at++) {
      if (this.after.has(at) && (this.negators.has(at) || !NEGATORS.has(this.text.words[at]!))) return true;
    }
    return false;
  }

  private reach(): void {
    let last = -Infinity;
    for (let at = 0; at < this.text.words.length; at++) {
      if (this.beginsClause(at)) last = -Infinity;
      this.reached.push(at - last <= WINDOW);
      if (this.negators.has(at)) last = at;
    }
  }

  private beginsClause(at: number): boolean {
    const { words, breaks } = this.text;
    const word = words[at]!;
    if (breaks[at] === SENTENCE || BREAKERS.has(word)) return true;
    const before = at > 0 ? words[at - 1]! : '';
    // "No, we …": the comma behind a lone no makes it an answer, not a negation.
    if (breaks[at] === COMMA && (STARTERS.has(word) || before === 'no' || before === 'nein')) return true;
    return breaks[at] === NO_BREAK && JOINERS.has(before) && STARTERS.has(word);
  }
}
