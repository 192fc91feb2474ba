import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJsonDocument } from './json-document.js';

const read = (text: string) => readJsonDocument(Buffer.from(text));

describe('a file in JSON', () => {
  it('is read with a byte order mark', () => {
    expect(read('\ufeff{"a":1}')).toEqual({ value: { a: 1 } });
  });

  it('is what JSON.parse reads', () => {
    const spaced = fc.tuple(fc.jsonValue(), fc.constantFrom(0, 2));
    fc.assert(
      fc.property(spaced, ([value, space]) => {
        const text = JSON.stringify(value, null, space);
        expect(read(text)).toEqual({ value: JSON.parse(text) as unknown });
      }),
    );
  });

  it('is nothing that JSON.parse refuses, at whatever place it is damaged', () => {
    const text = '{"a": [1, -2.5e3, {"b": "x\\n\\u00e9"}], "c": {"d": true, "e": null}, "f": []}';
    const sign = fc.constantFrom(...'{}[],:"\\01.-+eEtn#/ \n\'', '');
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(2), sign, (at, cut, given) => {
        const damaged = text.slice(0, at) + given + text.slice(at + cut);
        let isJson = true;
        try {
          JSON.parse(damaged);
        } catch {
          isJson = false;
        }
        const result = read(damaged);
        // A change of a name may make it equal to another.
        const isTwice = 'problem' in result && result.problem.includes('occurs twice');
        expect('value' in result || isTwice, damaged).toBe(isJson);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['{\n  "reps": [],\n  "reps": []\n}', /^is not JSON: line 3, column 3: the name "reps" occurs twice in one object$/],
    ['{\n  "a": [{"b": 1, "\\u0062": 2}]\n}', /^is not JSON: line 2, column 18: the name "b" occurs twice/],
    ['{\r\n  // owners\r\n  "a": 1\r\n}', /^is not JSON: line 2, column 3: a comment begins/],
    ['{"a": 1,\n}', /^is not JSON: line 1, column 8: a comma follows the last item/],
    ['{"a": [\n  {"b": 1},\n]}', /^is not JSON: line 2, column 11: a comma follows the last item/],
    ['{\n  "a": 1\n  "b": 2\n}', /^is not JSON: line 3, column 3: a comma or a closing bracket should be here/],
    ['{"a": [1, 2}', /^is not JSON: line 1, column 12: a comma or a closing bracket/],
    ['{"a": {"b": 1}', /^is not JSON: line 1, column 15: the text ends where a comma or a closing bracket should be/],
    ['{"a": 1} {', /^is not JSON: line 1, column 10: nothing more should be here/],
    ['', /^is empty$/],
    ["{'a': 1}", /^is not JSON: line 1, column 2: a name in straight quotation marks or } should be here/],
    ['{"a": "x\ny"}', /^is not JSON: line 1, column 7: the text that begins here has no end in its line/],
    ['{"a": 1, "b": }', /^is not JSON: line 1, column 15: a value should be here/],
    ['{"a": 01}', /^is not JSON: line 1, column 7: a value should be here/],
  ])('%j is refused with the place', (text, problem) => {
    const result = read(text);
    expect('problem' in result && result.problem).toMatch(problem);
  });
});
