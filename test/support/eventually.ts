import { vi } from 'vitest';

/**
 * Waits for a fact instead of a time: retries until the assertion holds. The limit ends a test that would fail anyway,
 * so it is long enough for a machine that is ten times slower.
 */
export function eventually<T>(assertion: () => T | Promise<T>, timeout = 45_000): Promise<T> {
  return vi.waitFor(assertion, { timeout, interval: 25 });
}
