import { describe, expect, it } from 'vitest';
import { brokenPlaceOf } from './broken-place.js';

const body = '{"email":\n "a@b.example" "x"}';

describe('the place that broke a body', () => {
  it('is found by line and column', () => {
    expect(brokenPlaceOf(body, 'The body is not JSON: line 2, column 16 has a text where a comma should be.')).toEqual({
      before: '{"email":\n "a@b.example" ',
      broken: '"',
      after: 'x"}',
    });
  });

  it.each(['The e-mail is missing.', 'line 9, column 1', 'line 1, column 400', 'line 1, column 0'])(
    'is not guessed from %j',
    (detail) => {
      expect(brokenPlaceOf(body, detail)).toEqual({ before: body, broken: '', after: '' });
    },
  );

  it('bounds what a page shows of a large body', () => {
    const large = brokenPlaceOf('x'.repeat(60_000), 'line 1, column 30000');
    expect(large.before.length + large.after.length).toBeLessThan(8100);
  });
});
