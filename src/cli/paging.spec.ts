import { describe, expect, it } from 'vitest';
import { changesSince, seenIn } from './leads-watch.js';
import type { Summary } from './format-lead.js';
import { pagesOf, readCount, readLimit, withQuery } from './paging.js';

describe('a limit', () => {
  /** 450 items in pages; remembers what it was asked for. */
  const service = () => {
    const asked: number[] = [];
    const fetchPage = async (size: number, cursor: string | null) => {
      asked.push(size);
      const from = Number(cursor ?? 0);
      const items = Array.from({ length: Math.max(0, Math.min(size, 450 - from)) }, (_, index) => from + index);
      return { items, nextCursor: items.length === size ? String(from + items.length) : null };
    };
    return { asked, fetchPage };
  };

  it.each([
    [20, [20], 20],
    [200, [200], 200],
    [201, [200, 1], 201],
    [450, [200, 200, 50], 450],
    [Infinity, [200, 200, 200], 450],
  ])('of %d takes the requests %j', async (limit, sizes, count) => {
    const { asked, fetchPage } = service();
    const all: number[] = [];
    for await (const { items } of pagesOf(fetchPage, limit)) all.push(...items);
    expect([asked, all.length, new Set(all).size]).toEqual([sizes, count, count]);
  });

  it('is not reached by an empty page, after which the list goes on', async () => {
    const pages = [
      { items: [], nextCursor: 'a' },
      { items: [1], nextCursor: 'b' },
      { items: [], nextCursor: null },
    ];
    const all: number[] = [];
    for await (const { items } of pagesOf(async () => pages.shift()!, 10)) all.push(...items);
    expect([all, pages]).toEqual([[1], []]);
  });

  it('is a whole number from 1, or all', () => {
    expect([readLimit('all'), readLimit('7')]).toEqual([Infinity, 7]);
    for (const text of ['', '0', '-1', '1.5', '1e3', 'abc', ' 1']) expect(() => readCount(text)).toThrow(/whole number from 1/);
  });

  it('is sent with the parameters that are given only', () => {
    expect(withQuery('/x', { state: undefined, cursor: null })).toBe('/x');
    expect(withQuery('/x', { campaign_id: 'a&b', limit: 1 })).toBe('/x?campaign_id=a%26b&limit=1');
  });
});

describe('following leads', () => {
  const lead = (id: string, state: string, revision = 1, fitScore: number | null = null) =>
    ({ id, state, revision, fitScore }) as unknown as Summary;

  it('shows new leads, new revisions and changes of state, oldest first, and nothing twice', () => {
    const seen = seenIn([lead('b', 'received'), lead('a', 'synced', 1, 50)]);
    const now = [lead('c', 'received'), lead('b', 'enriched', 1, 70), lead('a', 'synced', 1, 50)];
    expect(changesSince(seen, now).map(({ from, lead: { id } }) => [from, id])).toEqual([
      ['received', 'b'],
      [null, 'c'],
    ]);
    expect(changesSince(seenIn(now), now)).toEqual([]);
    expect(changesSince(seenIn(now), [lead('a', 'received', 2)])).toHaveLength(1);
  });
});
