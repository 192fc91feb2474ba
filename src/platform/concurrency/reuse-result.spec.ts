import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { reuseResult } from './reuse-result.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
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
