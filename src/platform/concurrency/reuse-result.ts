/**
 * Calls `read` at most once per `maxAgeMs`; calls in between share its result. A failure is not cached.
 * @returns a function that returns the shared result.
 */
export function reuseResult<T>(maxAgeMs: number, read: () => Promise<T>): () => Promise<T> {
  let shared: { result: Promise<T>; until: number } | undefined;
  return () => {
    if (shared && performance.now() < shared.until) return shared.result;
    const current = { result: read(), until: performance.now() + maxAgeMs };
    shared = current;
    current.result.catch(() => {
      if (shared === current) shared = undefined;
    });
    return current.result;
  };
}
