import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, parseExactJson } from './exact-json.js';

describe('parseExactJson', () => {
  it('is JSON.parse for all values that JavaScript can hold', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps the digits of every whole number, at any depth', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.string(), (number, text) => {
        const parsed = parseExactJson(`{"a":[{"b":${number}}],"s":${JSON.stringify(text)}}`) as {
          a: { b: unknown }[];
          s: string;
        };
        const { b } = parsed.a[0]!;
        expect(b instanceof ExactNumber ? b.digits : BigInt(b as number).toString()).toBe(String(number));
        expect(parsed.s).toBe(text);
      }),
    );
  });

  it.each(['1e3', '1000.0', '0.1', '1042.0', '0.10000', '120212345678901230', '1e21', '-0', '1.0e-7', '9007199254740994'])(
    'leaves %s a number, since it loses nothing',
    (text) => expect(parseExactJson(text)).toBe(Number(text)),
  );

  it.each(['120212345678901234', '9007199254740993', '-9007199254740993', '1e400', '0.12345678901234567890', '1.5e-400'])(
    'keeps %s as it was sent',
    (text) => expect(parseExactJson(text)).toEqual(new ExactNumber(text)),
  );

  it('does not touch digits inside strings, and does not run out of stack', () => {
    expect(parseExactJson('{"a":"x \\" 120212345678901234"}')).toEqual({ a: 'x " 120212345678901234' });
    const deep = `${'['.repeat(30_000)}120212345678901234${']'.repeat(30_000)}`;
    expect(() => parseExactJson(deep)).not.toThrow();
    expect(() => parseExactJson('{"a":120212345678901234')).toThrow(SyntaxError);
  });
});
