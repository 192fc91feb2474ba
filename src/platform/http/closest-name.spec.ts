import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closestName } from './closest-name.js';

const KNOWN = ['state', 'campaign_id', 'limit', 'cursor', 'perSecond', 'email'];

describe('the closest known name', () => {
  it.each([
    ['campaignId', 'campaign_id'],
    ['campaign', 'campaign_id'],
    ['CAMPAIGN-ID', 'campaign_id'],
    ['per_second', 'perSecond'],
    ['limt', 'limit'],
    ['emial', 'email'],
    ['e-mail', 'email'],
    ['stat', 'state'],
  ])('to %s is %s', (given, name) => expect(closestName(given, KNOWN)).toBe(name));

  it.each(['x', 'owner', 'revision', '', '日本'])('to %s is none', (given) => expect(closestName(given, KNOWN)).toBeUndefined());

  it('of a name with one letter changed is that name, and of a name itself the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN), fc.nat(), fc.constantFrom('q', 'z', ''), (name, at, letter) => {
        const place = at % name.length;
        expect(closestName(name, KNOWN)).toBe(name);
        expect(closestName(name.slice(0, place) + letter + name.slice(place + 1), KNOWN)).toBe(name);
      }),
    );
  });

  it('takes no longer for a long name', () => {
    expect(closestName('x'.repeat(1_000_000), KNOWN)).toBeUndefined();
  });
});
