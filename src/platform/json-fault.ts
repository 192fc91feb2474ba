interface Fault {
  at: number;
  what: string;
}

/** What is wrong with a text that should be JSON, with its line and column; null where nothing is. */
export function jsonFaultOf(json: string): string | null {
  const fault = faultOf(json);
  return fault && `${placeOf(json, fault.at)}: ${fault.what}`;
}

const SPACE = /[ \t\r\n]*/y;
/** A text, another value, or a sign between them. */
const TOKEN =
  /("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*")|((?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))|[{}[\],:]/y;

const EXPECTED = {
  value: 'a value',
  'value or end': 'a value or ]',
  name: 'a name in straight quotation marks',
  'name or end': 'a name in straight quotation marks or }',
  colon: 'a colon',
  'next or end': 'a comma or a closing bracket',
  nothing: 'nothing more',
};
type Expected = keyof typeof EXPECTED;

/**
 * The first fault of a text by the grammar of JSON. The messages of JSON.parse have a place in some versions of Node.js
 * only. It also finds a name that occurs twice in an object, of which JSON.parse would ignore the first.
 */
function faultOf(json: string): Fault | null {
  /** Open objects with their names; null for an array. */
  const open: (Set<string> | null)[] = [];
  let expected: Expected = 'value';
  /** Of the token before; -1 where it was another one. */
  let comma = -1;
  for (let at = 0; ; at = TOKEN.lastIndex) {
    at += lengthOf(SPACE, json, at);
    if (at === json.length)
      return expected === 'nothing' ? null : { at, what: `the text ends where ${EXPECTED[expected]} should be` };
    TOKEN.lastIndex = at;
    const [token = '', text, other] = TOKEN.exec(json) ?? [];
    const names = open.at(-1);
    const isEnd = token === (names ? '}' : ']') && open.length > 0;
    const commaBefore = comma;
    comma = -1;
    if (isEnd && expected.endsWith('or end')) {
      open.pop();
      expected = open.length > 0 ? 'next or end' : 'nothing';
    } else if (expected.startsWith('value') && (text ?? other) !== undefined)
      expected = open.length > 0 ? 'next or end' : 'nothing';
    else if (expected.startsWith('value') && token === '{') {
      open.push(new Set());
      expected = 'name or end';
    } else if (expected.startsWith('value') && token === '[') {
      open.push(null);
      expected = 'value or end';
    } else if (expected.startsWith('name') && names && text !== undefined) {
      const name = JSON.parse(text) as string;
      if (names.has(name)) return { at, what: `the name "${name}" occurs twice in one object` };
      names.add(name);
      expected = 'colon';
    } else if (expected === 'colon' && token === ':') expected = 'value';
    else if (expected === 'next or end' && token === ',') {
      comma = at;
      expected = names ? 'name' : 'value';
    } else if (isEnd && commaBefore >= 0) return { at: commaBefore, what: 'a comma follows the last item' };
    else return { at, what: wordsFor(json, at, expected) };
  }
}

function wordsFor(json: string, at: number, expected: Expected): string {
  if (/^(?:\/[/*]|#)/u.test(json.slice(at, at + 2))) return 'a comment begins, which JSON does not have';
  if (json[at] === '"' && lengthOf(TOKEN, json, at) === 0)
    return 'the text that begins here has no end in its line, or a backslash that JSON does not have';
  return `${EXPECTED[expected]} should be here`;
}

function lengthOf(pattern: RegExp, json: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(json)?.[0].length ?? 0;
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split(/\r\n|\r|\n/u);
  return `line ${lines.length}, column ${[...lines.at(-1)!].length + 1}`;
}
