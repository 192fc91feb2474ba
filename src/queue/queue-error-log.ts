import type { Logger } from '../platform/observability/logger.js';

const QUIET_MS = 10_000;

export type QueueErrorKind = 'connection' | 'lock' | 'full' | 'read-only' | 'refused' | 'cluster' | 'other';

const SENTENCES: Record<QueueErrorKind, string> = {
  connection: 'The queue store does not answer; nothing is lost, the ledger has every lead',
  lock: 'A job has lost its lock, so another worker may run it too; the fence of the ledger refuses what comes late',
  full: 'The queue store is full and takes no jobs; leads wait in the ledger until it has memory again',
  'read-only': 'The queue store takes no writes, as during a failover; leads wait in the ledger until it does',
  refused: 'The queue store refuses this service: check the user, the password and the permissions; leads wait in the ledger',
  cluster:
    'This Redis is a node of a cluster, which has only a part of the keys: use one without cluster mode; leads wait in the ledger',
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
  NOAUTH: 'refused',
  WRONGPASS: 'refused',
  NOPERM: 'refused',
  DENIED: 'refused',
  MOVED: 'cluster',
  ASK: 'cluster',
  CROSSSLOT: 'cluster',
  CLUSTERDOWN: 'cluster',
  BUSY: 'connection',
  LOADING: 'connection',
  UNBLOCKED: 'connection',
};
/** Replies that begin with `ERR` have no kind of their own. */
const REFUSED_MESSAGE = /^ERR (?:invalid (?:password|username)|AUTH |Client sent AUTH)/;
/** SQLSTATE: no such user or password; a missing permission. */
const REFUSED_SQLSTATE = /^(?:28|42501)/;
/** SQLSTATE: connection exceptions, an operator's intervention, too many connections; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNREACHABLE_SQLSTATE = /^(?:08|57P|53300)/;
const UNREACHABLE_MESSAGE =
  /connection is closed|connection terminated|timed? ?out|stream isn't writeable|max retries per request|socket|server closed|max number of clients/i;

export function queueErrorKind(error: Error): QueueErrorKind {
  const { code } = error as NodeJS.ErrnoException;
  if (JOB_NOT_HELD.has(code) || error.message.startsWith('could not renew lock')) return 'lock';
  const kind = REPLIES[replyOf(error) ?? ''];
  if (kind) return kind;
  if (REFUSED_MESSAGE.test(error.message)) return 'refused';
  if (typeof code !== 'string') return UNREACHABLE_MESSAGE.test(error.message) ? 'connection' : 'other';
  if (code === '53100' || code === '53200') return 'full';
  if (code === '25006') return 'read-only';
  if (REFUSED_SQLSTATE.test(code)) return 'refused';
  const network = /^E[A-Z]+$/.test(code);
  return network || UNREACHABLE_SQLSTATE.test(code) ? 'connection' : 'other';
}

/** What the queue store answered, without values: the SQLSTATE, or the first word of Redis' reply. */
function replyOf(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : /^[A-Z]+(?= )/.exec(error.message)?.[0];
}

/** The reason for an operator, without values of the error. */
export function queueErrorSentence(error: Error): string {
  return SENTENCES[queueErrorKind(error)];
}

/** During an outage every command fails, so each kind of error is logged at most once in ten seconds. */
export function queueErrorLog(logger: Logger, subject: string): (error: Error) => void {
  const last = new Map<QueueErrorKind, number>();
  return (error) => {
    const kind = queueErrorKind(error);
    if (Date.now() - (last.get(kind) ?? 0) < QUIET_MS) return;
    last.set(kind, Date.now());
    logger.warn({ subject, kind, reply: replyOf(error), err: error }, SENTENCES[kind]);
  };
}
