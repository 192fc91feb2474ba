import { setTimeout as sleep } from 'node:timers/promises';

/** Soon after the fact at first; then less often, since each look takes time from the processes that are waited for. */
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 100;
const GROWTH = 1.2;

/**
 * Waits for a fact instead of a time: retries until the assertion holds. The limit ends a test that would fail anyway,
 * so it is long enough for a machine that is ten times slower.
 */
export async function eventually<T>(assertion: () => T | Promise<T>, timeout = 45_000): Promise<T> {
  const deadline = performance.now() + timeout;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * GROWTH)) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await sleep(wait);
  }
}
