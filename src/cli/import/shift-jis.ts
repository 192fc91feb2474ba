/** Half-width Katakana are not among them: their bytes are the letters with accents of Western Europe. */
const JAPANESE = /[\p{Script=Han}\p{Script=Hiragana}\u30a1-\u30fe]+/gu;
const NOT_ASCII = /[^\0-\x7f]/gu;
/** "Hélène" would make a word of two such characters, and "JoséHélène" one of three. */
const WORD_FROM = 4;
/** Of all characters that are no ASCII. */
const MOST = 0.8;
/** A word goes on in the next chunk. */
const KEPT = 10_000;

/**
 * Finds out whether bytes are Shift JIS although each of them is a character of windows-1252 too: all bytes are valid
 * in it, there is a longer word, and nearly all characters are in words.
 */
export class ShiftJisEvidence {
  private readonly decoder = new TextDecoder('shift_jis', { fatal: true });
  private isValid = true;
  private rest = '';
  private all = 0;
  private inWords = 0;
  private longest = 0;

  add(chunk: Buffer): void {
    const text = this.rest + this.decode(chunk);
    this.rest = text.slice(text.lastIndexOf('\n') + 1).slice(-KEPT);
    this.count(text.slice(0, text.length - this.rest.length));
  }

  /** Once, after the last chunk. */
  isFound(): boolean {
    this.count(this.rest + this.decode());
    return this.isValid && this.longest >= WORD_FROM && this.inWords >= MOST * this.all;
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
    for (const [word] of text.matchAll(JAPANESE)) {
      if (word.length > 1) this.inWords += word.length;
      this.longest = Math.max(this.longest, word.length);
    }
  }
}
