import type { Logger } from '../platform/observability/logger.js';

const QUIET_MS = 10_000;

/** During an outage every command fails: one line each ten seconds says so. */
export function warnOncePerOutage(logger: Logger, subject: string): (error: Error) => void {
  let last = 0;
  return (error) => {
    if (Date.now() - last < QUIET_MS) return;
    last = Date.now();
    logger.warn({ subject, err: error }, 'The queue store does not answer; nothing is lost, the ledger has every lead');
  };
}
