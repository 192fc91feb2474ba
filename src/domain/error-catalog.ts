/**
 * What an error means for its lead; `pipeline/retry-policy.ts` decides by the class what happens next.
 *
 * - `input`: the sender's request is wrong; nothing was stored.
 * - `permanent`: this record will never succeed as it is: dead letter at once.
 * - `transient`: this record may succeed later: retried, then dead letter.
 * - `dependency-down`: the downstream is unreachable or broken for everyone.
 * - `rate-limited`: the downstream works and asks us to wait; no attempt is counted.
 * - `configuration`: the downstream refuses every record: a key, a permission or a setting is wrong.
 * - `fallback`: a retry would not change the answer: the stage continues with a fallback.
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
  SIGN_IN_FIRST: {
    class: 'input',
    meaning: 'The console was opened without a session, or the session has ended.',
    remedy: 'Sign in at /console/login with the secret of one entry of OPS_TOKENS.',
  },
  FORBIDDEN: {
    class: 'input',
    meaning: 'The token is valid, but its role does not permit this operation.',
    remedy: 'Use a token with the role `operator`.',
  },
  CROSS_SITE: {
    class: 'input',
    meaning: 'A web page of another site sent the request.',
    remedy:
      'Send it from a program. A service without secrets accepts only programs on its own machine: set WEBHOOK_SECRETS and OPS_TOKENS.',
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
  METHOD_NOT_ALLOWED: {
    class: 'input',
    meaning: 'The address exists, but not for this method.',
    remedy: 'Use one of the methods that the header Allow lists.',
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
    meaning: 'This address sent more than 20 wrong secrets within a minute.',
    remedy: 'Correct the secret. Requests with a valid secret are always accepted. Behind a load balancer set TRUST_PROXY.',
  },
  BAD_REQUEST: {
    class: 'input',
    meaning: 'A parameter or a field of the request is not valid, or the request cannot be read.',
    remedy: 'Correct what `detail` and `errors` of the problem name.',
  },
  LEDGER_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'PostgreSQL did not confirm the write, so the lead was not accepted.',
    remedy: 'Send it again after the seconds in Retry-After. Check that PostgreSQL is reachable.',
  },
  LEDGER_OVERLOADED: {
    class: 'dependency-down',
    meaning:
      'More leads were waiting for PostgreSQL than the service holds in memory, so this one was refused. It was not stored.',
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
    meaning: 'The CRM takes no more calls at the moment, such as too many at the same time. That passes in seconds or minutes.',
    remedy: 'Nothing to do for the lead: it waits. If it recurs, lower CRM_RATE_LIMIT_PER_SECOND.',
  },
  CRM_DAILY_LIMIT_REACHED: {
    class: 'rate-limited',
    meaning: "The CRM's API calls of the day are used up, by whichever program made them.",
    remedy: 'Nothing to do for the lead: it waits until calls are free again, which takes hours. Raise the API limit of the org.',
  },
  CRM_MISCONFIGURED: {
    class: 'configuration',
    meaning: 'The CRM refuses our credentials, or lacks something that every record needs.',
    remedy: 'Correct the credentials, the permissions or the fields in the CRM. Leads wait meanwhile; no attempt is counted.',
  },
  CRM_RECORD_BUSY: {
    class: 'transient',
    meaning: 'Another change had locked the record in the CRM.',
    remedy: 'Nothing to do: it is retried.',
  },
  CRM_RECORD_REJECTED: {
    class: 'permanent',
    meaning: 'The CRM refuses this record as it is.',
    remedy: 'Read the last error, correct the fields and replay the dead letter.',
  },
  CRM_DUPLICATE_OF_OTHER_PERSON: {
    class: 'permanent',
    meaning: "The CRM takes the person for a record that has another address or another person's key. It was not changed.",
    remedy:
      'Merge the two records or change the duplicate rule in the CRM, then replay. SALESFORCE_ON_DUPLICATE=membership gives the record the membership.',
  },
  CRM_DUPLICATE_BLOCKED: {
    class: 'permanent',
    meaning: 'A duplicate rule of the CRM blocks the write. The message names the records that the rule finds.',
    remedy: 'Merge the records that the message names, or change the duplicate rule in the CRM, then replay.',
  },
  AI_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'The model did not answer.',
    remedy: 'Nothing to do for the lead: it is retried. Check the AI provider.',
  },
  AI_RATE_LIMITED: {
    class: 'rate-limited',
    meaning: 'The model accepts no more requests for now, or the quota of the day is used up.',
    remedy: 'Nothing to do for the lead: it waits for a while, then continues with a fallback score and is scored later.',
  },
  AI_MISCONFIGURED: {
    class: 'configuration',
    meaning: 'The AI provider refuses the key, the permission or the model.',
    remedy: 'Correct the key or the model name. Leads continue with a fallback score meanwhile and are scored later.',
  },
  AI_TIMEOUT: {
    class: 'transient',
    meaning: 'The model took longer than AI_TIMEOUT_MS.',
    remedy: 'Nothing to do for the lead: it is retried, then continues with a fallback score. Raise AI_TIMEOUT_MS if it recurs.',
  },
  AI_ANSWER_INVALID: {
    class: 'transient',
    meaning: 'The model answered something that is not a score.',
    remedy: 'Nothing to do for the lead: it is retried, then continues with a fallback score.',
  },
  AI_REFUSED: {
    class: 'fallback',
    meaning: 'The model refuses to score this text.',
    remedy: 'Nothing to do: the lead continues with a fallback score and is flagged. Read its message before you call.',
  },
  MARKETO_UNAVAILABLE: {
    class: 'dependency-down',
    meaning: 'Marketo did not answer, or could not execute the call.',
    remedy: 'Nothing to do: scores are written, and calls are compared, once it answers. Check status.adobe.com.',
  },
  MARKETO_OUTCOME_UNKNOWN: {
    class: 'dependency-down',
    meaning: 'The connection to Marketo ended before its answer, so it may have executed the call.',
    remedy: 'Nothing to do: the call is repeated once Marketo has ended it. The same values are harmless.',
  },
  MARKETO_RATE_LIMITED: {
    class: 'rate-limited',
    meaning: 'Marketo takes no more calls at the moment: 100 within 20 seconds or 10 at once, of all its integrations.',
    remedy: 'Nothing to do: it continues within seconds. If it recurs, lower MARKETO_CALLS_PER_20_SECONDS.',
  },
  MARKETO_DAILY_LIMIT_REACHED: {
    class: 'rate-limited',
    meaning: "Marketo's API calls of the day, or this service's share of them, are used up.",
    remedy: 'Nothing to do: it continues at midnight in Chicago. `npx revenueflow marketo check` shows who uses the calls.',
  },
  MARKETO_MISCONFIGURED: {
    class: 'configuration',
    meaning: 'Marketo refuses our credentials or a permission, or lacks a field that the field map names.',
    remedy: 'Run `npx revenueflow marketo check` and correct what it names. Scores wait meanwhile; none is lost.',
  },
  MARKETO_REQUEST_REFUSED: {
    class: 'configuration',
    meaning: 'Marketo refuses the form of a whole call, which no repetition changes.',
    remedy: 'Read the answer that the message quotes. Check MARKETO_BASE_URL, then report it. Scores wait meanwhile.',
  },
  MARKETO_PERSON_GONE: {
    class: 'permanent',
    meaning: 'Marketo has no person with this id or address: deleted, merged, or never there.',
    remedy: 'Nothing to do: the score stays in the CRM. A later score of the person is tried again.',
  },
  MARKETO_PERSON_MISMATCH: {
    class: 'permanent',
    meaning: 'The record of this Marketo id has the address of another person, so it was not written.',
    remedy:
      'Check that the template sends {{lead.Id}} as marketo_id. Where the address was changed in Marketo, nothing is to do: ' +
      'the next webhook has the new one. Otherwise run `npx revenueflow marketo backfill --retry` after the correction.',
  },
  MARKETO_PERSON_AMBIGUOUS: {
    class: 'permanent',
    meaning: 'Several people in Marketo have this address, so none of them was written.',
    remedy: 'Merge them in Marketo, then run `npx revenueflow marketo backfill --retry`.',
  },
  MARKETO_RECORD_REJECTED: {
    class: 'permanent',
    meaning: 'Marketo refuses the values of this person.',
    remedy: 'Compare the field map with the types that `npx revenueflow marketo check` lists, then backfill with --retry.',
  },
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
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOG;

export function classOf(code: ErrorCode): ErrorClass {
  return ERROR_CATALOG[code].class;
}
