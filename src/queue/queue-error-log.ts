import type { Logger } from '../platform/observability/logger.js';

const QUIET_MS = 10_000;

export type QueueErrorKind = 'connection' | 'lock' | 'full' | 'read-only' | 'other';

const SENTENCES: Record<QueueErrorKind, string> = {
  connection: 'The queue store does not answer; nothing is lost, the ledger has every lead',
  lock: 'A job has lost its lock, so another worker may run it too; the fence of the ledger refuses what comes late',
  full: 'The queue store is full and takes no jobs; leads wait in the ledger until it has memory again',
  'read-only': 'The queue store takes no writes, as during a failover; leads wait in the ledger until it does',
  other: 'BullMQ reported an error; nothing is lost, the ledger has every lead',
};

/**
 * BullMQ's codes for a job that this worker no longer holds: missing, unlocked, in another state, or locked by another.
 */
const JOB_NOT_HELD = new Set<unknown>([-1, -2, -3, -6]);
/**
 * The first word of an error reply is its kind:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
const REPLIES: Record<string, QueueErrorKind> = {
  OOM: 'full',
  READONLY: 'read-only',
  MASTERDOWN: 'read-only',
  NOREPLICAS: 'read-only',
  MISCONF: 'read-only',
  LOADING: 'connection',
  UNBLOCKED: 'connection',
};
/** SQLSTATE: connection exceptions, an operator's intervention, too many connections; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNREACHABLE_SQLSTATE = /^(?:08|57P|53300)/;
const UNREACHABLE_MESSAGE =
  /connection is closed|connection terminated|timed? ?out|stream isn't writeable|max retries per request|socket|server closed/i;

export function queueErrorKind(error: Error): QueueErrorKind {
  const { code } = error as NodeJS.ErrnoException;
  if (JOB_NOT_HELD.has(code) || error.message.startsWith('could not renew lock')) return 'lock';
  const [word = ''] = /^[A-Z]+(?= )/.exec(error.message) ?? [];
  if (REPLIES[word]) return REPLIES[word];
  if (typeof code !== 'string') return UNREACHABLE_MESSAGE.test(error.message) ? 'connection' : 'other';
  if (code === '53100' || code === '53200') return 'full';
  if (code === '25006') return 'read-only';
  const network = /^E[A-Z]+$/.test(code);
  return network || UNREACHABLE_SQLSTATE.test(code) ? 'connection' : 'other';
}

/** During an outage every command fails, so each kind of error is logged at most once in ten seconds. */
export function queueErrorLog(logger: Logger, subject: string): (error: Error) => void {
  const last = new Map<QueueErrorKind, number>();
  return (error) => {
    const kind = queueErrorKind(error);
    if (Date.now() - (last.get(kind) ?? 0) < QUIET_MS) return;
    last.set(kind, Date.now());
    logger.warn({ subject, kind, err: error }, SENTENCES[kind]);
  };
}
