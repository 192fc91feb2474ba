import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { deadlineSignal } from './deadline-signal.js';

const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

it('aborts after its time, also where garbage was collected meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const parent = new AbortController();
  const reasons = Array.from({ length: 20 }, () => aborted(deadlineSignal(50, parent.signal)));
  collect();
  for (const reason of await Promise.all(reasons)) expect(reason).toMatchObject({ name: 'TimeoutError' });
  expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
});

it('aborts with the reason of a parent, also of one that has aborted before', () => {
  const parent = new AbortController();
  const signal = deadlineSignal(60_000, undefined, parent.signal);
  parent.abort('stopped');
  expect([signal.aborted, signal.reason]).toEqual([true, 'stopped']);
  expect(deadlineSignal(60_000, parent.signal).reason).toBe('stopped');
});
