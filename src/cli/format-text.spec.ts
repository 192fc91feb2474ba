import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { counted, printable, truncated, wrapped } from './format-text.js';

/** Words of any script, with columns, indentation and lines between them. */
const text = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(' ', '   ', '\n', '  - ', '李雷🙂')), {
    maxLength: 20,
  })
  .map((parts) => printable(parts.join(' ')));
const widths = fc.integer({ min: 4, max: 120 });

describe('what an operator sees', () => {
  it('has nothing in it that controls a terminal, whatever a sender called itself', () => {
    expect(printable('Ann\u001b[2J\u001b]0;owned\u0007\r\u009b1m\u202eeeL')).toBe('Ann�[2J�]0;owned���1m�eeL');
    expect(printable('Zoë Łuczak 李雷 🙂\n\tdone')).toBe('Zoë Łuczak 李雷 🙂\n\tdone');
  });

  it('has no line that is longer than the terminal', () => {
    fc.assert(
      fc.property(text, widths, (given, width) => {
        for (const line of wrapped(given, width).split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('loses no character when it is wrapped', () => {
    const withoutSpace = (given: string) => given.replaceAll(/\s/gu, '');
    fc.assert(
      fc.property(text, widths, (given, width) => {
        expect(withoutSpace(wrapped(given, width))).toBe(withoutSpace(given));
      }),
    );
  });

  it('stays as it is where it fits, and where there is no terminal', () => {
    expect(wrapped('a  b\n   c', 10)).toBe('a  b\n   c');
    expect(wrapped('a very long line that no terminal limits', Infinity)).toBe('a very long line that no terminal limits');
  });

  it('continues under its last column', () => {
    expect(wrapped('12:00:00  +5 s  in the CRM: lead 1, member 2', 36)).toBe(
      '12:00:00  +5 s  in the CRM: lead 1,\n                member 2',
    );
  });

  it('is cut at a whole character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(printable), fc.integer({ min: 1, max: 30 }), (given, width) => {
        const cut = truncated(given, width);
        expect(stringWidth(cut)).toBeLessThanOrEqual(width);
        if (stringWidth(given) <= width) expect(cut).toBe(given);
        else expect(given.startsWith(cut.slice(0, -1))).toBe(true);
      }),
    );
  });

  it('counts in English', () => {
    expect([counted(0, 'lead'), counted(1, 'lead'), counted(2, 'lead'), counted(2, 'breach', 'breaches')]).toEqual([
      '0 leads',
      '1 lead',
      '2 leads',
      '2 breaches',
    ]);
  });
});
