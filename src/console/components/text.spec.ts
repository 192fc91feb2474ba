import { renderToString } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import { Text, visibleText } from './text.js';

describe('text of a sender', () => {
  it.each([
    ['a\u202Eb\u0007', 'aU+202EbU+0007'],
    ['family \u{1F468}\u200D\u{1F469}', 'family \u{1F468}\u200D\u{1F469}'],
    ['\u200D', 'U+200D'],
    ['\u3164 \u00A0', 'U+3164 U+0020 U+00A0'],
    ['\u200B', 'U+200B'],
    ['a & <b>', 'a &amp; &lt;b>'],
    ['', '–'],
  ])('%j is seen as %s', (value, seen) => {
    expect(renderToString(Text({ value })).replaceAll(/<[^>]*>/g, '')).toBe(seen);
  });

  it('is cut between characters, and says how many are missing', () => {
    const html = renderToString(Text({ value: `ab\u{1F468}${'c'.repeat(2000)}`, limit: 3 }));
    expect(html.replaceAll(/<[^>]*>/g, '')).toBe('ab … 2,002 more characters');
    expect(renderToString(Text({ value: '\u202Ea'.repeat(500), limit: 20 })).replaceAll(/<[^>]*>/g, '')).toBe(
      'U+202EaU+202Ea … 996 more characters',
    );
    expect(visibleText('\u2066x')).toBe(' U+2066 x');
  });
});
