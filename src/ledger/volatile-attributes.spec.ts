import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IgnoredAttributes } from './ignored-attributes.js';
import { describeVolatile, volatileAttributes } from './volatile-attributes.js';

const none = new IgnoredAttributes([]);
const revised = (changes: Record<string, string>[]) =>
  changes.map((changed, index) => ({
    seq: index + 2,
    at: '',
    kind: 'revised',
    detail: { changed: Object.fromEntries(Object.entries(changed).map(([name, to]) => [name, { from: null, to }])) },
  }));
const times = Array.from({ length: 6 }, (_, hour) => ({ updatedAt: `2026-11-27T0${hour}:00:00Z`, message: `Call me ${hour}` }));

describe('volatileAttributes', () => {
  it('names what changed in every revision, with a sentence that says what to do', () => {
    const found = volatileAttributes(revised(times), none);
    expect(found.map(describeVolatile)).toEqual(['`updatedAt` changed in 6 of 6 revisions; add it to CONTENT_IGNORE']);
  });

  it('needs several revisions, all of them, and nothing that a person typed or that is ignored already', () => {
    expect(volatileAttributes(revised(times.slice(0, 3)), none)).toEqual([]);
    expect(volatileAttributes(revised([...times, { title: 'VP' }]), none)).toEqual([]);
    expect(volatileAttributes(revised(times), new IgnoredAttributes(['*At']))).toEqual([]);
  });
});

describe('IgnoredAttributes', () => {
  it('expands patterns to the names of the leads, and keeps exact names', () => {
    const ignored = new IgnoredAttributes(['timestamp', 'utm_*', '*.updatedAt', 'a+b']);
    const attributes = { utm_source: '', 'lead.updatedAt': '', updatedAt: '', xutm_: '', 'a+b': '', aab: '' };
    expect(ignored.namesIn([{ attributes }, { attributes: { utm_x: '' } }])).toEqual([
      'timestamp',
      'a+b',
      'utm_source',
      'lead.updatedAt',
      'utm_x',
    ]);
    expect([ignored.has('a+b'), ignored.has('aab'), ignored.has('utm_')]).toEqual([true, false, true]);
  });

  it('takes any text literally but the asterisk', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(new IgnoredAttributes([name]).has(name)).toBe(true);
      }),
    );
  });
});
