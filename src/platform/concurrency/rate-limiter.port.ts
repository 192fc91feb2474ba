/** Limits the rate of calls to a downstream, over all processes. */
export interface RateLimiter {
  /** Resolves when the next call may be made. Rejects with the signal's reason where that is aborted first. */
  acquire(signal?: AbortSignal): Promise<void>;
}

export const UNLIMITED: RateLimiter = { acquire: async () => {} };
