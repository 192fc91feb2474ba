import type { CatalogEntry } from './catalog-entry.js';

/** The service itself: runs of leads, limits of its own, and the start. */
export const SERVICE_ERRORS = {
  UNEXPECTED: {
    class: 'transient',
    meaning: 'An unexpected error without a code of its own.',
    remedy: 'The lead is retried, then dead-lettered. Read the cause in the log and report it.',
  },
  WORKER_CRASHED: {
    class: 'permanent',
    meaning: 'The worker process crashed each time it processed this lead, also when it processed no other.',
    remedy: 'Read the log before the crashes. Correct or discard the dead letter; do not replay it unchanged.',
  },
  AI_BUDGET_SPENT: {
    class: 'rate-limited',
    meaning: 'AI_DAILY_TOKEN_BUDGET is used up for today (UTC).',
    remedy: 'Nothing to do for the lead: it continued with a fallback score. Raise the budget, or wait for tomorrow.',
  },
  AI_OVERLOADED: {
    class: 'rate-limited',
    meaning: 'More leads arrive than the rate limit of the model lets through in time.',
    remedy: 'Nothing to do for the lead: it continued with the heuristic score. Raise AI_RATE_LIMIT_PER_SECOND if it recurs.',
  },
  WORKER_STOPPING: {
    class: 'internal',
    meaning: 'The worker stopped while it waited for the model or the CRM.',
    remedy: 'Nothing: another worker continues with the lead, and no attempt is counted.',
  },
  STALE_RUN: {
    class: 'internal',
    meaning: 'A newer run owns the lead, so the write of the older run was refused.',
    remedy: 'Nothing to do: the fencing token prevented a stale write.',
  },
  CONFIG_INVALID: {
    class: 'startup',
    meaning: 'The environment does not describe a service that can start.',
    remedy: 'Correct the variables that the message names.',
  },
  PORT_IN_USE: {
    class: 'startup',
    meaning: 'Another process uses the port.',
    remedy: 'Stop it, or start with another PORT.',
  },
  DATA_DIR_IN_USE: {
    class: 'startup',
    meaning: 'Another instance of the service is running on this data folder.',
    remedy: 'Stop it, or start with another DATA_DIR (and PORT).',
  },
  DATA_DIR_UNUSABLE: {
    class: 'startup',
    meaning:
      'The data folder cannot be made, read or written to, its disk is full, or it holds something that this service did not make.',
    remedy: 'Correct what the message names, or point DATA_DIR at another folder. The content of the folder was not changed.',
  },
  EMBEDDED_POSTGRES_FAILED: {
    class: 'startup',
    meaning: 'The embedded PostgreSQL could not be started.',
    remedy: 'Read its log, which the message names, or give your own server as DATABASE_URL.',
  },
  EMBEDDED_REDIS_FAILED: {
    class: 'startup',
    meaning: 'The local redis-server could not be started.',
    remedy: 'Read its log, which the message names; or set QUEUE_BACKEND=postgres, or REDIS_URL.',
  },
  DATABASE_UNREACHABLE: {
    class: 'startup',
    meaning: 'The database did not answer at start.',
    remedy: 'Check DATABASE_URL and that the server runs.',
  },
  MIGRATION_FAILED: {
    class: 'startup',
    meaning: 'The database schema could not be brought up to date; nothing was half-applied.',
    remedy: 'Read the cause; a schema newer than this version needs the newer version of the service.',
  },
} as const satisfies Record<string, CatalogEntry>;
