import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { reuseResult } from './reuse-result.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

it('reads once for all callers within the age, and again after it', async () => {
  const read = vi.fn(async () => read.mock.calls.length);
  const shared = reuseResult(3000, read);
  expect(await Promise.all([shared(), shared()])).toEqual([1, 1]);
  vi.advanceTimersByTime(2999);
  expect(await shared()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await shared()).toBe(2);
});

it('keeps no failure', async () => {
  const read = vi.fn(async () => 1).mockRejectedValueOnce(new Error('down'));
  const shared = reuseResult(3000, read);
  await expect(shared()).rejects.toThrow('down');
  expect(await shared()).toBe(1);
});

it('returns the result before while a slow read runs, for at most a minute', async () => {
  const reads: (() => void)[] = [];
  const shared = reuseResult(3000, () => {
    const n = reads.length + 1;
    return new Promise<number>((resolve) => reads.push(() => resolve(n)));
  });
  const first = shared();
  vi.advanceTimersByTime(200);
  reads[0]!();
  expect(await first).toBe(1);
  vi.advanceTimersByTime(3000);
  expect(await shared()).toBe(1);
  expect(reads).toHaveLength(2);
  vi.advanceTimersByTime(60_000);
  const waiting = shared();
  expect(reads).toHaveLength(2);
  reads[1]!();
  expect(await waiting).toBe(2);
});

it('waits for each read again once reads are fast', async () => {
  const read = vi.fn(async () => {
    if (read.mock.calls.length === 1) vi.advanceTimersByTime(200);
    return read.mock.calls.length;
  });
  const shared = reuseResult(3000, read);
  await shared();
  vi.advanceTimersByTime(3000);
  expect(await shared()).toBe(1);
  vi.advanceTimersByTime(3000);
  expect(await shared()).toBe(3);
});

it('lets its caller say which reads are slow', async () => {
  const read = vi.fn(async () => read.mock.calls.length);
  const shared = reuseResult(0, read, (result) => result === 1);
  expect([await shared(), await shared(), await shared()]).toEqual([1, 1, 3]);
});

it('keeps a slow result new without callers, and stops once reads are fast or fail', async () => {
  const read = vi.fn(async () => read.mock.calls.length);
  const shared = reuseResult(3000, read, (result) => result < 4);
  await shared();
  await vi.advanceTimersByTimeAsync(3 * 3_600_000);
  expect(read).toHaveBeenCalledTimes(4);

  const failing = vi
    .fn(async () => 1)
    .mockResolvedValueOnce(1)
    .mockRejectedValueOnce(new Error('closed'));
  const slow = reuseResult(3000, failing, () => true);
  await slow();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(failing).toHaveBeenCalledTimes(2);
});

it('reads no more often than slow reads allow', async () => {
  const read = vi.fn(async () => {
    vi.advanceTimersByTime(1000);
    return read.mock.calls.length;
  });
  const shared = reuseResult(0, read);
  await shared();
  for (let second = 0; second < 9; second++) {
    vi.advanceTimersByTime(1000);
    expect(await shared()).toBe(1);
  }
  expect(read).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  await shared();
  expect(read).toHaveBeenCalledTimes(2);
});
