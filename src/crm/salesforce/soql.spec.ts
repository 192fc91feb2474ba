import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { soql } from './soql.js';

describe('soql', () => {
  it('quotes values and lists', () => {
    expect(soql`SELECT Id FROM Lead WHERE Email IN ${['a@b.c', "o'hara@b.c"]} AND Name = ${'x\\'}`).toBe(
      "SELECT Id FROM Lead WHERE Email IN ('a@b.c','o\\'hara@b.c') AND Name = 'x\\\\'",
    );
  });

  it('lets no value out of its quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const literal = soql`${value}`;
        // Between the outer quotes each quote has an odd number of backslashes before it.
        const inner = literal.slice(1, -1).replace(/\\./gs, '');
        return literal.startsWith("'") && literal.endsWith("'") && !/['\\\n\r]/.test(inner);
      }),
    );
  });
});
