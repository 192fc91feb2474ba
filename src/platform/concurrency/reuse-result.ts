/** A read that takes longer is slow, unless the caller says otherwise. */
const SLOW_MS = 50;
/** A caller waits for a new result where the last one is older. */
const STALE_FOR_MS = 60_000;
/** Slow reads take at most this share of the time, so that many callers do not keep the store busy with them. */
const SLOW_READS_SHARE = 0.1;
/** A slow result is read again after this without a caller, so that the next one need not wait for it. */
const READ_AGAIN_AFTER_MS = 40_000;

/**
 * Calls `read` at most once per `maxAgeMs`, less often where it is slow; calls in between share its result. A failure
 * is not cached.
 * @param isSlow whether a read that took `ms` costs too much to wait for.
 * @returns a function that returns the shared result. Where the last read was slow, it returns the result before, and
 *   reads anew for the next call. While reads are slow there is one every READ_AGAIN_AFTER_MS at least.
 */
export function reuseResult<T>(
  maxAgeMs: number,
  read: () => Promise<T>,
  isSlow: (result: T, ms: number) => boolean = (_result, ms) => ms > SLOW_MS,
): () => Promise<T> {
  let shared: { result: Promise<T>; until: number; running: boolean } | undefined;
  let slow: { result: T; until: number } | undefined;
  let again: NodeJS.Timeout | undefined;

  /** After the end of the process' database it fails, and nothing follows. */
  function readLater(): void {
    again = setTimeout(() => void next().catch(() => {}), READ_AGAIN_AFTER_MS);
    again.unref();
  }

  async function readAnew(current: { until: number; running: boolean }): Promise<T> {
    clearTimeout(again);
    const began = performance.now();
    try {
      const result = await read();
      const now = performance.now();
      const tookMs = now - began;
      slow = isSlow(result, tookMs) ? { result, until: now + STALE_FOR_MS } : undefined;
      if (slow) {
        current.until = now + Math.min(READ_AGAIN_AFTER_MS, Math.max(maxAgeMs, tookMs / SLOW_READS_SHARE));
        readLater();
      }
      return result;
    } catch (error) {
      shared = undefined;
      throw error;
    } finally {
      current.running = false;
    }
  }

  /** The result of the read that runs, or of the last one while it is new enough. */
  function next(): Promise<T> {
    const now = performance.now();
    if (!shared || (!shared.running && now >= shared.until)) {
      const current = { running: true, until: now + maxAgeMs };
      shared = Object.assign(current, { result: readAnew(current) });
    }
    return shared.result;
  }

  return () => {
    const now = performance.now();
    const result = next();
    if (!shared?.running || !slow || now >= slow.until) return result;
    result.catch(() => {}); // no caller awaits it; the next call reads again
    return Promise.resolve(slow.result);
  };
}
