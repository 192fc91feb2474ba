import { vi } from 'vitest';

/** Waits for a fact instead of a time: retries until the assertion holds. */
export function eventually<T>(assertion: () => T | Promise<T>, timeout = 20_000): Promise<T> {
  return vi.waitFor(assertion, { timeout, interval: 25 });
}
