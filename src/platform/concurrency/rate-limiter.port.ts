/** A place in the line of calls to a downstream, shared by all processes. */
export interface RateLimiter {
  /** Resolves when the next call may be made. Rejects with the signal's reason where that is aborted first. */
  acquire(signal?: AbortSignal): Promise<void>;
}

export const UNLIMITED: RateLimiter = { acquire: async () => {} };
