import { describe, expect, it } from 'vitest';
import { brokenPlaceOf } from './broken-place.js';

const body = '{"email":\n "a@b.example" "x"}';
const at = (detail: string) => ({ detail, problems: [] });
const field = (path: string) => ({ detail: `${path}: is wrong`, problems: [{ path }] });

describe('the place that broke a body', () => {
  it('is found by line and column', () => {
    expect(brokenPlaceOf(body, at('The body is not JSON: line 2, column 16 has a text where a comma should be.'))).toEqual({
      before: '{"email":\n "a@b.example" ',
      broken: '"',
      after: 'x"}',
    });
  });

  it.each(['The e-mail is missing.', 'line 9, column 1', 'line 1, column 400', 'line 1, column 0'])(
    'is not guessed from %j',
    (detail) => {
      expect(brokenPlaceOf(body, at(detail))).toEqual({ before: body, broken: '', after: '' });
    },
  );

  it.each([
    ['{"name": "Ann", "email": "no-address"}', 'email', '"no-address"'],
    ['{"lead": {"email": "no \\"one\\"", "x": 1}}', 'lead.email', '"no \\"one\\""'],
    ['{"email": , "name": "Ann"}', 'email', '"email": '],
    ['{"email": "", "name": "Ann"}', 'email', '"email": ""'],
    ['{"campaign_id": [1], "a": "b"}', 'campaign_id', '[1'],
    ['name=Ann&email=no-address&x=1', 'email', 'no-address'],
    ['email=&x=1', 'email', 'email='],
    ['{"a.b(c": "x"}', 'a.b(c', ''],
    ['{"name": "Ann"}', 'email', ''],
    ['{"email": "a", "lead": {"email": "b"}}', 'email', ''],
  ])('in %s is the value of %s', (text, path, broken) => {
    const place = brokenPlaceOf(text, field(path));
    expect(place.broken).toBe(broken);
    expect(place.before + place.broken + place.after).toBe(text);
  });

  it('bounds what a page shows of a large body', () => {
    for (const refusal of [at('line 1, column 30000'), field('email')]) {
      const large = brokenPlaceOf(`{"email": "${'x'.repeat(60_000)}"}`, refusal);
      expect(large.before.length + large.broken.length + large.after.length).toBeLessThan(8100);
    }
  });

  it('is looked for in linear time', () => {
    const text = '"email":'.repeat(8000) + '"'.repeat(1000);
    expect(brokenPlaceOf(text, field('email')).broken).toBe('');
  });
});
