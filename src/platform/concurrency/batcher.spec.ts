import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Batcher, BatcherFull } from './batcher.js';

const base = { maxBatch: 100, maxWaiting: 1000, parallel: 1 };

describe('Batcher', () => {
  it('gives each caller its own result', async () => {
    const batcher = new Batcher<number, number>({ ...base, maxBatch: 7, run: async (items) => items.map((item) => item * 2) });
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => batcher.submit(index)));
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => index * 2));
  });

  it('runs a lone call at once and lets those that arrive meanwhile share the next batch', async () => {
    const batches: number[][] = [];
    let release = () => {};
    const batcher = new Batcher<number, number>({
      ...base,
      run: async (items) => {
        batches.push(items);
        if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve));
        return items;
      },
    });
    const first = batcher.submit(1);
    await new Promise(setImmediate);
    const rest = [2, 3, 4].map((item) => batcher.submit(item));
    await new Promise(setImmediate);
    expect(batches).toEqual([[1]]);
    release();
    await Promise.all([first, ...rest]);
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });

  it('waits for its batching window, or until the batch is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const batches: number[][] = [];
      const batcher = new Batcher<number, number>({
        ...base,
        maxBatch: 3,
        windowMs: () => 25,
        run: async (items) => {
          batches.push(items);
          return items;
        },
      });
      const first = [1, 2].map((item) => batcher.submit(item));
      await new Promise(setImmediate);
      expect(batches).toEqual([]);
      vi.advanceTimersByTime(25);
      await Promise.all(first);
      expect(batches).toEqual([[1, 2]]);
      await Promise.all([3, 4, 5].map((item) => batcher.submit(item))); // full: no timer was needed
      expect(batches).toEqual([
        [1, 2],
        [3, 4, 5],
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  describe('with a window', () => {
    const opened = (batchMs: number, moreFollow: (waiting: number) => boolean = () => false) => {
      const batches: number[][] = [];
      const batcher = new Batcher<number, number>({
        ...base,
        maxBatch: 3,
        parallel: 2,
        windowMs: () => 100,
        moreFollow,
        run: async (items) => {
          batches.push(items);
          await new Promise((resolve) => setTimeout(resolve, batchMs));
          return items;
        },
      });
      return { batcher, batches };
    };
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }));
    afterEach(() => void vi.useRealTimers());
    const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

    it('starts those whose window closed beside a batch in flight as soon as that ends', async () => {
      const { batcher, batches } = opened(250);
      void batcher.submit(1);
      await after(110);
      void batcher.submit(2);
      await after(230);
      expect(batches).toEqual([[1]]);
      await after(20); // the batch has ended, 250 ms after the first 100
      expect(batches).toEqual([[1], [2]]);
    });

    it('starts no second, partial batch while a full one is in flight', async () => {
      const { batcher, batches } = opened(50);
      for (const item of [1, 2, 3, 4]) void batcher.submit(item);
      await after(10);
      expect(batches).toEqual([[1, 2, 3]]);
      await after(200);
      expect(batches).toEqual([[1, 2, 3], [4]]);
    });

    it('waits while more items follow, until the batch is full or nothing follows', async () => {
      let follow = true;
      const { batcher, batches } = opened(0, () => follow);
      void batcher.submit(1);
      await after(300);
      void batcher.submit(2);
      await after(300);
      expect(batches).toEqual([]);
      void batcher.submit(3);
      await after(1);
      expect(batches).toEqual([[1, 2, 3]]);
      void batcher.submit(4);
      follow = false;
      await after(101);
      expect(batches).toEqual([[1, 2, 3], [4]]);
    });

    it('waits a second at most for items that do not come', async () => {
      const { batcher, batches } = opened(0, (waiting) => waiting > 0);
      void batcher.submit(1);
      await after(900);
      expect(batches).toEqual([]);
      await after(200);
      expect(batches).toEqual([[1]]);
    });

    it('skips the window for an urgent item, and for every item after flush', async () => {
      const { batcher, batches } = opened(0);
      void batcher.submit(1);
      void batcher.submit(2, true);
      await after(1);
      expect(batches).toEqual([[1, 2]]);
      void batcher.submit(3);
      await after(1);
      expect(batches).toEqual([[1, 2]]);
      batcher.flush();
      await after(1);
      void batcher.submit(4);
      await after(1);
      expect(batches).toEqual([[1, 2], [3], [4]]);
    });
  });

  it('never runs two items of one key together, and keeps their order', async () => {
    const running = new Set<string>();
    const order: string[] = [];
    const batcher = new Batcher<string, string>({
      ...base,
      parallel: 3,
      maxBatch: 4,
      keyOf: (item) => item[0]!,
      run: async (items) => {
        for (const item of items) {
          expect(running.has(item[0]!)).toBe(false);
          running.add(item[0]!);
        }
        await new Promise(setImmediate);
        for (const item of items) {
          running.delete(item[0]!);
          order.push(item);
        }
        return items;
      },
    });
    await Promise.all(['a1', 'b1', 'a2', 'c1', 'a3', 'b2', 'd1', 'e1', 'f1', 'a4'].map((item) => batcher.submit(item)));
    expect(order.filter((item) => item.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a4']);
    expect(order).toHaveLength(10);
  });

  it('halves a batch until the bad item fails alone', async () => {
    const batcher = new Batcher<number, number>({
      ...base,
      blamesOneItem: (error) => (error as Error).message === 'bad',
      run: async (items) => {
        if (items.includes(13)) throw new Error('bad');
        return items;
      },
    });
    const results = await Promise.allSettled(Array.from({ length: 32 }, (_, index) => batcher.submit(index)));
    expect(results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))).toEqual([13]);
  });

  it('fails the whole batch where no single item is to blame', async () => {
    const batcher = new Batcher<number, number>({ ...base, run: () => Promise.reject(new Error('down')) });
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.submit(item)));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
  });

  it('rejects waiting items at once where they would meet the same error', async () => {
    let fail = (_error: Error) => {};
    const batcher = new Batcher<number, number>({
      ...base,
      failsAll: () => true,
      run: (items) => (items[0] === 1 ? new Promise((_, reject) => (fail = reject)) : Promise.resolve(items)),
    });
    const first = batcher.submit(1);
    await new Promise(setImmediate);
    const second = batcher.submit(2);
    fail(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await expect(second).rejects.toThrow('down');
    expect(await batcher.submit(3)).toBe(3);
  });

  it('refuses more than it may hold, and takes calls again afterwards', async () => {
    const running: (() => void)[] = [];
    const batcher = new Batcher<number, number>({
      ...base,
      maxWaiting: 2,
      run: async (items) => {
        await new Promise<void>((resolve) => running.push(resolve));
        return items;
      },
    });
    const first = batcher.submit(1);
    await vi.waitFor(() => expect(running).toHaveLength(1));
    const waiting = [batcher.submit(2), batcher.submit(3)];
    await expect(batcher.submit(4)).rejects.toBeInstanceOf(BatcherFull);
    running[0]!();
    await first;
    await vi.waitFor(() => expect(running).toHaveLength(2));
    running[1]!();
    expect(await Promise.all(waiting)).toEqual([2, 3]);
  });
});
