import { describe, expect, it } from 'vitest';
import { savableOf, viewsOf } from './list-views.js';

const saved = [{ name: 'Spring, hot', query: 'minScore=80&campaignId=spring', who: 'ann' }];
const currentOf = (query: string) => viewsOf(saved, new URLSearchParams(query), 65).filter(({ current }) => current);

describe('lists with a name', () => {
  it('are recognised by their filters, in any order', () => {
    expect(currentOf('campaignId=spring&minScore=80')).toMatchObject([{ name: 'Spring, hot', saved: true }]);
    expect(currentOf('minScore=65')).toMatchObject([{ name: 'Hot', saved: false }]);
    expect(currentOf('minScore=81')).toEqual([]);
  });

  it('keep neither the text of a search nor the place in the list', () => {
    expect(savableOf({ q: 'Ann Berg', email: 'ann@acme.example', state: 'dead', cursor: 'x' } as object)).toBe('state=dead');
  });
});
