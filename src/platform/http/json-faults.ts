import { endOfFirstObject } from './json-frame.js';

export type JsonFaultKind =
  | 'empty-value'
  | 'raw-control'
  | 'inner-quote'
  | 'doubled-quotes'
  | 'no-quotes'
  | 'bad-escape'
  | 'trailing-comma'
  | 'extra-comma'
  | 'odd-space'
  | 'comment'
  | 'missing-comma'
  | 'bare-key'
  | 'bad-key'
  | 'cut-off'
  | 'text-after-end'
  | 'ambiguous'
  | 'unexpected';

export interface JsonFault {
  kind: JsonFaultKind;
  /** Index into the text. */
  at: number;
  /** The key whose value contains the fault; empty outside of a value. */
  key: string;
}

export interface ScannedJson {
  faults: JsonFault[];
  /** Valid JSON where each fault has exactly one correction; otherwise null. */
  repaired: string | null;
}

/** Faults with exactly one possible meaning. A guess at any other could store wrong data. */
const MECHANICAL = new Set<JsonFaultKind>([
  'empty-value',
  'raw-control',
  'inner-quote',
  'doubled-quotes',
  'no-quotes',
  'bad-escape',
  'trailing-comma',
  'extra-comma',
  'odd-space',
  'comment',
  'bare-key',
]);
/**
 * Faults whose correction infers where a value ends. Text of the value that looks like JSON could have become a field.
 */
const BORDERS_INFERRED = new Set<JsonFaultKind>(['inner-quote', 'doubled-quotes', 'no-quotes']);
/** Bytes that fill a buffer, and signs that end a statement. */
const HARMLESS_END = /^[\s\0;,]*$/;
const MAX_DEPTH = 50;
const MAX_FAULTS = 200;

/**
 * Finds the faults of a JSON text that a template with unencoded tokens produced: raw control characters, quotes inside
 * texts, values without quotes, missing values. It corrects those with exactly one meaning. For texts that JSON.parse
 * refused.
 */
export function scanJson(text: string): ScannedJson {
  const end = endOfFirstObject(text);
  if (end !== null) {
    const at = end + text.slice(end).search(/\S/);
    const isNothing = HARMLESS_END.test(text.slice(end));
    return { faults: [{ kind: 'text-after-end', at, key: '' }], repaired: isNothing ? text.slice(0, end) : null };
  }
  const scanner = new Scanner(text);
  const { faults } = scanner;
  let output = '';
  try {
    output = scanner.document();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  if (faults.some(({ kind }) => !MECHANICAL.has(kind)) || faults.length >= MAX_FAULTS) return { faults, repaired: null };
  const ambiguous = scanner.repeatedKey ?? faults.find(({ kind }) => kind === 'bare-key');
  if (ambiguous && faults.some(({ kind }) => BORDERS_INFERRED.has(kind))) {
    return { faults: [...faults, { ...ambiguous, kind: 'ambiguous' }], repaired: null };
  }
  try {
    JSON.parse(output);
    return { faults, repaired: output };
  } catch {
    return { faults, repaired: null };
  }
}

/** The scan cannot continue; the last fault is the reason. */
class Unreadable extends Error {}

const SPACE = /[\s\u00a0\ufeff]*/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?=[\s,}\]]|$)/y;
/** A quotation mark followed by one of these ends a text: the next key, or the end of the object. */
const AFTER_VALUE =
  /\s*(?:,\s*(?:"(?:[^"\\\n]|\\.){1,200}"\s*:|[A-Za-z_]\w{0,100}\s*:|[}\],]|\/[/*])|\/[/*]|\}\s*(?:[,}\]]|$)|\]\s*(?:[,}\]]|$)|$)/y;
const AFTER_ELEMENT = /\s*(?:,|\]\s*(?:[,}\]]|$)|$)/y;
const AFTER_KEY = /\s*:/y;
const BARE_KEY = /[A-Za-z_]\w{0,100}(?=\s*:)/y;
const NEXT_KEY = /\s+"(?:[^"\\\n]|\\.){1,100}"\s*:/y;
/** Only a comma before the next key, or the object's end, ends a value without quotes. */
const END_OF_BARE = /,\s*"(?:[^"\\\n]|\\.){1,200}"\s*:|,?\s*\}\s*(?:[,}\]]|$)/y;

class Scanner {
  readonly faults: JsonFault[] = [];
  repeatedKey: JsonFault | null = null;
  private at = 0;
  private key = '';

  constructor(private readonly text: string) {}

  document(): string {
    this.space();
    const value = this.value('object', 0);
    this.space();
    if (this.at < this.text.length) this.stop('text-after-end');
    return value;
  }

  private value(inside: 'object' | 'array', depth: number): string {
    if (depth > MAX_DEPTH) this.stop('unexpected');
    const character = this.text[this.at];
    if (character === undefined) this.stop('cut-off');
    if (character === '"') return this.string(inside === 'object' ? AFTER_VALUE : AFTER_ELEMENT);
    if (character === '{') return this.object(depth);
    if (character === '[') return this.array(depth);
    const scalar = this.match(SCALAR);
    if (scalar !== null) return scalar;
    if (inside === 'object' && (character === ',' || character === '}')) {
      this.fault('empty-value');
      return 'null';
    }
    if (inside === 'array' || depth === 0) this.stop('unexpected');
    return this.bareValue();
  }

  private object(depth: number): string {
    const keys = new Set<string>();
    const members: string[] = [];
    this.at++;
    for (;;) {
      this.space();
      while (this.text[this.at] === ',') {
        this.fault('extra-comma');
        this.at++;
        this.space();
      }
      if (this.text[this.at] === '}') {
        if (members.length > 0) this.fault('trailing-comma');
        break;
      }
      const keyAt = this.at;
      if (this.text[this.at] === undefined) this.stop('cut-off');
      const key = this.text[this.at] === '"' ? this.string(AFTER_KEY) : this.bareKey();
      this.key = key.slice(1, -1);
      if (keys.has(key)) this.repeatedKey ??= { kind: 'ambiguous', at: keyAt, key: this.key };
      keys.add(key);
      this.space();
      if (this.text[this.at] !== ':') this.stop('unexpected');
      this.at++;
      this.space();
      members.push(`${key}:${this.value('object', depth + 1)}`);
      this.space();
      const next = this.text[this.at];
      if (next === '}') break;
      if (next === undefined) this.stop('cut-off');
      if (next !== ',') this.stop(next === '"' ? 'missing-comma' : 'unexpected');
      this.at++;
    }
    this.at++;
    this.key = '';
    return `{${members.join(',')}}`;
  }

  /** `{email: "…"}`, as JavaScript has it. */
  private bareKey(): string {
    const start = this.at;
    this.key = this.match(BARE_KEY) ?? this.stop('bad-key');
    this.fault('bare-key', start);
    return `"${this.key}"`;
  }

  private array(depth: number): string {
    const elements: string[] = [];
    this.at++;
    this.space();
    while (this.text[this.at] !== ']') {
      elements.push(this.value('array', depth + 1));
      this.space();
      const next = this.text[this.at];
      if (next === ']') break;
      if (next === undefined) this.stop('cut-off');
      if (next !== ',') this.stop('unexpected');
      this.at++;
      this.space();
    }
    this.at++;
    return `[${elements.join(',')}]`;
  }

  /** @param after what follows a quotation mark that ends this text. */
  private string(after: RegExp): string {
    const doubled = after !== AFTER_KEY && this.text[this.at + 1] === '"' && !this.follows(this.at + 2, after);
    if (doubled) this.fault('doubled-quotes');
    this.at += doubled ? 2 : 1;
    let output = '"';
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.stop('cut-off');
      if (character === '"') {
        const width = doubled && this.text[this.at + 1] === '"' ? 2 : 1;
        if (this.endsHere(width, after)) {
          this.at += width;
          return `${output}"`;
        }
        this.fault('inner-quote');
        output += '\\"';
        this.at++;
      } else if (character === '\\') output += this.escape();
      else {
        if (character < ' ') this.fault('raw-control');
        output += character < ' ' ? JSON.stringify(character).slice(1, -1) : character;
        this.at++;
      }
    }
  }

  private endsHere(width: number, after: RegExp): boolean {
    if (this.follows(this.at + width, after)) return true;
    if (!this.follows(this.at + width, NEXT_KEY)) return false;
    this.at += width;
    return this.stop('missing-comma');
  }

  private escape(): string {
    const valid = this.match(/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y);
    if (valid !== null) return valid;
    this.fault('bad-escape');
    this.at++;
    // PHP and Marketo's editor escape an apostrophe, which needs no escape here.
    return this.text[this.at] === "'" ? '' : '\\\\';
  }

  private bareValue(): string {
    this.fault('no-quotes');
    const start = this.at;
    // The end can begin only with these characters. A test at every character takes quadratic time on runs of spaces.
    for (let index = start; ; index++) {
      const comma = this.text.indexOf(',', index);
      const brace = this.text.indexOf('}', index);
      index = comma < 0 || (brace >= 0 && brace < comma) ? brace : comma;
      if (index < 0) {
        this.at = this.text.length;
        this.stop('cut-off');
      }
      this.at = index;
      if (this.follows(index, END_OF_BARE)) return JSON.stringify(this.text.slice(start, index).trimEnd());
    }
  }

  /** Also spaces that JSON does not have, and comments. */
  private space(): void {
    for (;;) {
      SPACE.lastIndex = this.at;
      const space = SPACE.exec(this.text)![0];
      const odd = space.search(/[^ \t\r\n]/);
      if (odd >= 0 && this.faults.length < MAX_FAULTS) this.faults.push({ kind: 'odd-space', at: this.at + odd, key: '' });
      this.at += space.length;
      const opening = this.text.slice(this.at, this.at + 2);
      if (opening !== '//' && opening !== '/*') return;
      this.fault('comment');
      const [end, width] = opening === '//' ? [this.text.indexOf('\n', this.at), 1] : [this.text.indexOf('*/', this.at), 2];
      this.at = end < 0 ? this.text.length : end + width;
    }
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at += match[0].length;
    return match ? match[0] : null;
  }

  private follows(index: number, pattern: RegExp): boolean {
    pattern.lastIndex = index;
    return pattern.test(this.text);
  }

  private fault(kind: JsonFaultKind, at = this.at): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ kind, at, key: this.key });
  }

  private stop(kind: JsonFaultKind): never {
    this.faults.push({ kind, at: this.at, key: this.key });
    throw new Unreadable();
  }
}
