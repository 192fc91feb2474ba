/** Half-width Katakana are not among them: their bytes are the letters with accents of Western Europe. */
const JAPANESE = /[\p{Script=Han}\p{Script=Hiragana}\u30a1-\u30fe]+/gu;
/** Encodings of two bytes a character, and what words are made of there. */
const ENCODINGS: [name: string, words: RegExp][] = [
  ['shift_jis', JAPANESE],
  ['euc-jp', JAPANESE],
  ['gbk', /\p{Script=Han}+/gu],
  ['big5', /\p{Script=Han}+/gu],
  ['euc-kr', /\p{Script=Hangul}+/gu],
];
const NOT_ASCII = /[^\0-\x7f]/gu;
/** "Hélène" would make a word of two such characters, and "JoséHélène" one of three. */
const WORD_FROM = 4;
/** Of all characters that are no ASCII. */
const MOST = 0.8;
/** A word goes on in the next chunk. */
const KEPT = 10_000;
/** Letters with accents stand alone or in twos; a word of Cyrillic or Chinese bytes has nothing else. */
const ACCENTED = /[\x80-\xff]+/g;
const RUN_FROM = 4;
const FEWEST = 6;

export interface OtherScript {
  isUtf8: boolean;
  /** The words are those of another script than the Latin one. */
  isOther: boolean;
  /** The encodings that it may be; none where only the order of the letters is that of other words. */
  names: string[];
}

/**
 * Finds out what bytes are although each of them is a character of a single-byte encoding too: UTF-8, where all of them
 * are valid in it; an encoding of two bytes, where all are valid, there is a longer word, and nearly all characters are
 * in words; or another script, where accented letters follow each other, as those of Cyrillic words do.
 */
export class OtherScriptEvidence {
  private readonly utf8 = new EncodingEvidence('utf-8', NOT_ASCII);
  private readonly encodings = ENCODINGS.map(([name, words]) => new EncodingEvidence(name, words));
  private rest = '';
  private letters = 0;
  private inRows = 0;

  add(chunk: Buffer): void {
    for (const encoding of [this.utf8, ...this.encodings]) encoding.add(chunk);
    const text = this.rest + chunk.toString('latin1');
    this.rest = text.slice(text.lastIndexOf('\n') + 1).slice(-KEPT);
    this.countRows(text.slice(0, text.length - this.rest.length));
  }

  /** Once, after the last chunk. */
  found(): OtherScript {
    this.countRows(this.rest);
    const names = this.encodings.flatMap((encoding) => (encoding.isOfWords() ? [encoding.name] : []));
    const isInRows = this.inRows >= FEWEST && this.inRows >= MOST * this.letters;
    return { isUtf8: this.utf8.isOfCharacters(), isOther: names.length > 0 || isInRows, names };
  }

  private countRows(text: string): void {
    for (const [run] of text.matchAll(ACCENTED)) {
      const letters = run.match(/[\xc0-\xff]/g) ?? [];
      this.letters += letters.length;
      if (run.length >= RUN_FROM && new Set(letters).size > 1) this.inRows += letters.length;
    }
  }
}

class EncodingEvidence {
  private readonly decoder: TextDecoder;
  private isValid = true;
  private rest = '';
  private all = 0;
  private inWords = 0;
  private longest = 0;

  constructor(
    readonly name: string,
    private readonly words: RegExp,
  ) {
    this.decoder = new TextDecoder(name, { fatal: true });
  }

  add(chunk: Buffer): void {
    const text = this.rest + this.decode(chunk);
    this.rest = text.slice(text.lastIndexOf('\n') + 1).slice(-KEPT);
    this.count(text.slice(0, text.length - this.rest.length));
  }

  /** Once, after the last chunk, as the next. */
  isOfCharacters(): boolean {
    this.count(this.rest + this.decode());
    return this.isValid && this.all > 0;
  }

  isOfWords(): boolean {
    return this.isOfCharacters() && this.longest >= WORD_FROM && this.inWords >= MOST * this.all;
  }

  private decode(chunk?: Buffer): string {
    if (!this.isValid) return '';
    try {
      return this.decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      this.isValid = false;
      return '';
    }
  }

  private count(text: string): void {
    this.all += text.match(NOT_ASCII)?.length ?? 0;
    for (const [word] of text.matchAll(this.words)) {
      // A line of bullets or dashes is no word.
      if (new Set(word).size === 1) continue;
      this.inWords += word.length;
      this.longest = Math.max(this.longest, word.length);
    }
  }
}
