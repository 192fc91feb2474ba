import type { CatalogEntry } from './catalog-entry.js';

/** The stores, the CRM, the model and Marketo. */
export const DOWNSTREAM_ERRORS = {
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
    remedy:
      'Nothing to do: scores are written, and calls are compared, once it answers. status.adobe.com shows outages. ' +
      'Where it has never answered, check MARKETO_BASE_URL and the way out of the network.',
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
    remedy:
      'Send {{lead.Id}} as marketo_id in the template, or merge them in Marketo; then run ' +
      '`npx revenueflow marketo backfill --retry`.',
  },
  MARKETO_PARTITION_DENIED: {
    class: 'permanent',
    meaning: 'The person is in a lead partition of Marketo that the API user may not write to.',
    remedy:
      'Give the API user its role in the workspace of that partition (Admin, Users & Roles), then run ' +
      '`npx revenueflow marketo backfill --retry`.',
  },
  MARKETO_RECORD_REJECTED: {
    class: 'permanent',
    meaning: 'Marketo refuses the values of this person.',
    remedy: 'Compare the field map with the types that `npx revenueflow marketo check` lists, then backfill with --retry.',
  },
} as const satisfies Record<string, CatalogEntry>;
