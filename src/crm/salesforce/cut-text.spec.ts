import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBetweenCharacters } from './cut-text.js';

describe('a text that is too long', () => {
  it.each([
    ['abcdef', 3, 'abc'],
    ['ab👍🏽', 4, 'ab'],
    ['ab👍🏽', 6, 'ab👍🏽'],
    ['ab👨‍👩‍👧c', 5, 'ab'],
    ['abe\u0301', 3, 'ab'],
    ['🇩🇪🇫🇷', 6, '🇩🇪'],
  ])('%s is cut at %d to %s', (text, length, cut) => {
    expect(cutBetweenCharacters(text, length)).toBe(cut);
  });

  it('is a beginning of it that fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, length) => {
        const cut = cutBetweenCharacters(text, length);
        expect(text.startsWith(cut) && cut.length <= length).toBe(true);
      }),
    );
  });
});
