/**
 * What an error means for the lead that met it; `pipeline/outcome.ts` turns the class into what happens next.
 *
 * - `input`: the sender's request is wrong; nothing was stored.
 * - `permanent`: this record will never succeed as it is: dead letter at once.
 * - `transient`: this record may succeed later: retried, then dead letter.
 * - `dependency-down`: the downstream is unreachable or broken for everyone.
 * - `rate-limited`: the downstream is well and has told us to wait; nobody's fault, so no attempt is counted.
 * - `configuration`: the downstream refuses us, not the record: a key, a permission or a setting is wrong.
 * - `fallback`: no better answer will come for this record: the stage goes on without one.
 * - `startup`: the service cannot run as it is configured.
 * - `internal`: a condition inside the service, not the lead's fault.
 */
export type ErrorClass =
  | 'input'
  | 'permanent'
  | 'transient'
  | 'dependency-down'
  | 'rate-limited'
  | 'configuration'
  | 'fallback'
  | 'startup'
  | 'internal';

interface CatalogueEntry {
  class: ErrorClass;
  /** What happened, for a person. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
}

/** Every error code of the service. docs/errors.md is generated from this list. */
export const ERROR_CATALOG = {
  INVALID_BODY: {
    class: 'input',
    meaning: 'The request body is not the JSON object or the form that the endpoint reads. A webhook is kept as a rejection.',
    remedy: 'Compare the webhook template with docs/marketo.md; the message names the place. Then replay the rejection.',
  },
  INVALID_LEAD: {
    class: 'input',
    meaning: 'A field of the lead is missing or malformed.',
    remedy: 'Correct the field that the problem lists in `errors`, then send the lead again or replay its rejection.',
  },
  UNAUTHENTICATED: {
    class: 'input',
    meaning: 'The request carried no secret, or a wrong one.',
    remedy: 'Send one of WEBHOOK_SECRETS as X-Webhook-Secret (webhooks), or one of OPS_TOKENS as a bearer token (operations).',
  },
  FORBIDDEN: {
    class: 'input',
    meaning: 'The token is known, but its role does not permit this act.',
    remedy: 'Use a token with the role `operator`.',
  },
  CROSS_SITE: {
    class: 'input',
    meaning: 'A web page sent the request to a service that is open on loopback.',
    remedy: 'Send it from a program on this machine, or set WEBHOOK_SECRETS and OPS_TOKENS.',
  },
  HEADERS_TOO_LARGE: {
    class: 'input',
    meaning: 'The request headers are larger than 16 KiB.',
    remedy: 'Send fewer or shorter headers.',
  },
  REQUEST_TIMEOUT: {
    class: 'input',
    meaning: 'The request did not arrive completely within ten seconds.',
    remedy: 'Send it again on a better connection.',
  },
  NOT_FOUND: {
    class: 'input',
    meaning: 'There is nothing at this address.',
    remedy: 'Check the path and the id.',
  },
  BODY_TOO_LARGE: {
    class: 'input',
    meaning: 'The body is larger than 64 KiB. Of a webhook the first 64 KiB are kept as a rejection, to see what it was.',
    remedy: 'Shorten the template: send only the fields that sales needs. A replay needs the fields as corrections.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    class: 'input',
    meaning: 'The body is neither JSON nor a form, or its compression is not known. A webhook is kept as a rejection.',
    remedy: 'Send application/json or application/x-www-form-urlencoded, uncompressed or with gzip, deflate or br.',
  },
  TOO_MANY_FAILED_AUTHENTICATIONS: {
    class: 'input',
    meaning: 'This address sent too many wrong secrets and is held off for a while.',
    remedy: 'Correct the secret. Requests that carry a right one are never held off.',
  },
  BAD_REQUEST: {
    class: 'input',
    meaning: 'The request is not one that this service can read.',
    remedy: 'The detail of the problem says which part of it.',
  },
  LEDGER_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'PostgreSQL did not confirm the write, so the lead was not accepted.',
    remedy: 'Send it again after the seconds in Retry-After. Check that PostgreSQL is reachable.',
  },
  LEDGER_OVERLOADED: {
    class: 'dependency-down',
    meaning:
      'More leads were waiting for PostgreSQL than the service holds in memory, so this one was refused rather than risked.',
    remedy: 'Send it again after the seconds in Retry-After. Add API instances or a faster database if it recurs.',
  },
  QUEUE_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'The queue store did not answer.',
    remedy: 'Nothing is lost: the sweeper enqueues the leads when it is back. Check Redis.',
  },
  CRM_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'The CRM did not answer.',
    remedy: 'Nothing to do for the lead: it is retried. Check the CRM.',
  },
  CRM_RATE_LIMITED: {
    class: 'rate-limited',
    meaning: 'The CRM has no API calls left for us at present.',
    remedy: 'Nothing to do for the lead: it waits until there are. Raise the API limit or lower CRM_RATE_LIMIT_PER_SECOND.',
  },
  CRM_MISCONFIGURED: {
    class: 'configuration',
    meaning: 'The CRM refuses our credentials, or something that every record needs is missing there.',
    remedy: 'Correct the credentials, the permissions or the fields in the CRM. Leads wait meanwhile and lose no attempt.',
  },
  CRM_RECORD_BUSY: {
    class: 'transient',
    meaning: 'Another change held the record in the CRM.',
    remedy: 'Nothing: it is retried.',
  },
  CRM_RECORD_REJECTED: {
    class: 'permanent',
    meaning: 'The CRM refuses this record as it is.',
    remedy: 'Read the last error, correct the fields and replay the dead letter.',
  },
  AI_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'The model did not answer.',
    remedy: 'Nothing to do for the lead: it is retried. Check the AI provider.',
  },
  AI_RATE_LIMITED: {
    class: 'rate-limited',
    meaning: 'The model takes no more requests for now, or the quota of the day is used up.',
    remedy: 'Nothing to do for the lead: it waits for a while, then goes on with a fallback score and is scored later.',
  },
  AI_MISCONFIGURED: {
    class: 'configuration',
    meaning: 'The AI provider refuses the key, the permission or the model.',
    remedy: 'Correct the key or the model name. Leads go on with a fallback score meanwhile and are scored later.',
  },
  AI_TIMEOUT: {
    class: 'transient',
    meaning: 'The model took longer than AI_TIMEOUT_MS.',
    remedy: 'Nothing to do for the lead: it is retried, then goes on with a fallback score. Raise AI_TIMEOUT_MS if it recurs.',
  },
  AI_ANSWER_INVALID: {
    class: 'transient',
    meaning: 'The model answered something that is not a score.',
    remedy: 'Nothing to do for the lead: it is retried, then goes on with a fallback score.',
  },
  AI_REFUSED: {
    class: 'fallback',
    meaning: 'The model refuses to judge this text.',
    remedy: 'Nothing: the lead goes on with a fallback score and is flagged. Read its message before you call.',
  },
  UNEXPECTED: {
    class: 'transient',
    meaning: 'An error that the catalogue does not know.',
    remedy: 'It is retried, then dead-lettered with its cause in the log. Report it: it should have a code.',
  },
  WORKER_CRASHED: {
    class: 'permanent',
    meaning: 'The worker process died each time that it had this lead in hand, also when it had nothing else.',
    remedy: 'Look at the log before the crashes. Correct or discard the dead letter; do not replay it as it is.',
  },
  AI_BUDGET_SPENT: {
    class: 'rate-limited',
    meaning: 'AI_DAILY_TOKEN_BUDGET is used up for today (UTC).',
    remedy: 'Nothing to do for the lead: it went on with a fallback score. Raise the budget, or wait for tomorrow.',
  },
  AI_OVERLOADED: {
    class: 'rate-limited',
    meaning: 'More leads arrive than the model may be asked about in time.',
    remedy:
      'Nothing to do for the lead: it went on with the score of the heuristic. Raise AI_RATE_LIMIT_PER_SECOND if it recurs.',
  },
  STALE_RUN: {
    class: 'internal',
    meaning: 'A newer run has taken the lead over, so the late write was refused.',
    remedy: 'Nothing: this is the fence doing its work.',
  },
  CONFIG_INVALID: {
    class: 'startup',
    meaning: 'The environment does not describe a service that can start.',
    remedy: 'Correct the variables that the message names.',
  },
  PORT_IN_USE: {
    class: 'startup',
    meaning: 'Another process listens on the port.',
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
    remedy: 'Mend what the message names, or point DATA_DIR at another folder. What was in it is as it was.',
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
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOG;

export function classOf(code: ErrorCode): ErrorClass {
  return ERROR_CATALOG[code].class;
}
