import { describe, expect, it } from 'vitest';
import { filtersOf } from './lead-filters.js';

const NOW = Date.parse('2026-11-27T12:00:00Z');

describe('the filters of a list of leads', () => {
  it('have the names of the API, and leave out what was not given', () => {
    expect(filtersOf({ state: 'dead', campaign: 'c', minScore: 0, search: 'Acme', sort: 'newest' }, true, NOW)).toEqual({
      state: 'dead',
      campaign_id: 'c',
      minScore: 0,
      q: 'Acme',
    });
    expect(filtersOf({ sort: 'oldest', intent: 'high', owner: 'ann' }, true, NOW)).toEqual({
      sort: 'oldest',
      intent: 'high',
      owner: 'ann',
    });
  });

  it.each([
    ['2h', '2026-11-27T10:00:00.000Z'],
    ['90 min', '2026-11-27T10:30:00.000Z'],
    ['7D', '2026-11-20T12:00:00.000Z'],
    ['2026-11-27', '2026-11-27T00:00:00.000Z'],
    ['2026-11-27 09:30', '2026-11-27T09:30:00.000Z'],
    ['2026-11-27T09:30:05.5', '2026-11-27T09:30:05.500Z'],
    ['2026-11-27T09:30+01:00', '2026-11-27T08:30:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('read %s', (text, time) => {
    expect(filtersOf({ from: text }, true, NOW)).toEqual({ from: time });
  });

  it('reads a time without a zone in the zone in which times are shown', () => {
    const local = new Date(2026, 10, 27, 9, 30).toISOString();
    expect(filtersOf({ to: '2026-11-27T09:30' }, false, NOW)).toEqual({ to: local });
    expect(filtersOf({ to: '2026-11-27' }, false, NOW)).toEqual({ to: new Date(2026, 10, 27).toISOString() });
  });

  it('refuse a range without an instant in it', () => {
    expect(() => filtersOf({ from: '2026-11-28', to: '2026-11-27' }, true, NOW)).toThrow(/--from is not before --to/);
  });

  it.each(['yesterday', '2026-02-29', '2026-13-01', '27.11.2026', '2026-11-27T25:00', '2 hours ago', ''])('refuse %j', (text) => {
    expect(() => filtersOf({ from: text }, true, NOW)).toThrow(/--from .*is not a time/);
  });
});
