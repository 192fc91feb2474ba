import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { auditFields } from '../audit-fields.js';
import { recordIdSchema } from './record-id.js';

/**
 * One error as Salesforce says it. Single-record calls spell the code `errorCode`, Collections `statusCode`
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
 */
export const apiErrorSchema = z
  .object({
    errorCode: z.string().optional(),
    statusCode: z.string().optional(),
    message: z.string().catch(''),
    fields: z.array(z.string()).nullish().catch([]),
    duplicateResult: z.unknown().optional(),
    duplicateResut: z.unknown().optional(), // so misspelled in many orgs
  })
  .transform(({ errorCode, statusCode, message, fields, duplicateResult, duplicateResut }) => ({
    code: errorCode ?? statusCode ?? 'UNKNOWN_EXCEPTION',
    message,
    fields: fields ?? [],
    duplicates: duplicateIdsOf(duplicateResult ?? duplicateResut),
  }));
export type ApiError = z.output<typeof apiErrorSchema>;

const matchSchema = z.object({
  matchResults: z.array(z.object({ matchRecords: z.array(z.object({ record: z.object({ Id: recordIdSchema }) })) })),
});

function duplicateIdsOf(result: unknown): string[] {
  const parsed = matchSchema.safeParse(result);
  return parsed.success
    ? [...new Set(parsed.data.matchResults.flatMap((match) => match.matchRecords.map(({ record }) => record.Id)))]
    : [];
}

const ANSWER_AT_MOST = 300;

/** What the org as a whole lacks: it would meet every record alike. */
const MISCONFIGURED = new Set([
  'INVALID_FIELD',
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'INVALID_TYPE',
  'INVALID_TYPE_FOR_OPERATION',
  'MALFORMED_QUERY',
  'NOT_FOUND',
  'API_DISABLED_FOR_ORG',
  'API_CURRENTLY_DISABLED',
  'FUNCTIONALITY_NOT_ENABLED',
  'INSUFFICIENT_ACCESS',
  'STORAGE_LIMIT_EXCEEDED',
  'UNSUPPORTED_API_VERSION',
  'INVALID_API_VERSION',
]);

/** What depends on the record's own values or on its own state in the org, whatever happens to others. */
const RECORDS_OWN = new Set([
  'BAD_CUSTOM_ENTITY_PARENT_DOMAIN',
  'CANNOT_UPDATE_CONVERTED_LEAD',
  'CIRCULAR_DEPENDENCY',
  'DUPLICATE_EXTERNAL_ID',
  'DUPLICATE_VALUE',
  'DUPLICATES_DETECTED',
  'ENTITY_IS_DELETED',
  'ENTITY_IS_LOCKED',
  'FIELD_FILTER_VALIDATION_EXCEPTION',
  'FIELD_INTEGRITY_EXCEPTION',
  'INACTIVE_OWNER_OR_USER',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  'INVALID_CROSS_REFERENCE_KEY',
  'INVALID_EMAIL_ADDRESS',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'INVALID_TYPE_ON_FIELD_IN_RECORD',
  'JSON_PARSER_ERROR',
  'MALFORMED_ID',
  'NUMBER_OUTSIDE_VALID_RANGE',
  'STRING_TOO_LONG',
  'TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET',
  'TRANSFER_REQUIRES_READ',
]);

/** Whole calls that Salesforce refuses for the values of one of their records. */
const ONE_RECORD_SPOILS_ALL = new Set(['JSON_PARSER_ERROR', 'INVALID_INPUT', 'MALFORMED_ID', 'STRING_TOO_LONG']);
/** Whole calls, or single records of them, that would pass with fewer records in the transaction. */
const TOO_MANY_RECORDS = new Set([
  'EXCEEDED_ID_LIMIT',
  'EXCEEDED_MAX_SIZE_REQUEST',
  'LIMIT_EXCEEDED',
  'OPERATION_TOO_LARGE',
  'PROCESSING_HALTED',
  'QUERY_TOO_COMPLICATED',
  'REQUEST_RUNNING_TOO_LONG',
  'TOO_MANY_APEX_REQUESTS',
]);
/** Calls and records that may pass when sent again: the server was busy, or the session or a cursor expired. */
const PASSES_LATER = new Set([
  'INVALID_QUERY_LOCATOR',
  'INVALID_SESSION_ID',
  'QUERY_TIMEOUT',
  'SERVER_UNAVAILABLE',
  'UNKNOWN_EXCEPTION',
]);

/** What to do about an error, where the words of Salesforce do not say it. */
const ADVICE: Record<string, string> = {
  ENTITY_IS_LOCKED: 'The record is locked, as by an approval process: unlock it or finish the approval, then replay.',
  INSUFFICIENT_ACCESS_OR_READONLY:
    'The integration user may not write this record: share it with the user, or correct the permissions, then replay.',
  INACTIVE_OWNER_OR_USER: 'The owner is an inactive user: give the record another owner, then replay.',
  REQUIRED_FIELD_MISSING: 'The org requires a field that nothing fills: add it to the field map, or give it a default.',
  STORAGE_LIMIT_EXCEEDED: 'The org has no storage left: delete records or buy storage.',
  UNSUPPORTED_API_VERSION: 'The org does not have this version of the API: set SALESFORCE_API_VERSION to one that it has.',
  INVALID_API_VERSION: 'The org does not have this version of the API: set SALESFORCE_API_VERSION to one that it has.',
};

/**
 * Governor limits as triggers, flows and managed packages report them (execution governors of the Apex Developer
 * Guide).
 */
const GOVERNOR_LIMIT =
  /LimitException|Too many (?:SOQL|SOSL|DML|query|future|queueable|callouts|email|describes|script statements|records)|Apex (?:CPU time|heap size)|CPU time limit|heap size too large|query rows: ?50001|iterations exceeded|limit exceeded: (?:SOQL|DML|CPU)|more than \d+ chunks|List size \d+ exceeds/i;

/**
 * A whole call that Salesforce refuses although its parts may pass: it is divided. `remember` where the number of
 * records was too large, and not one of them wrong.
 */
export class BatchRefused extends AppError {
  constructor(
    readonly apiError: ApiError,
    readonly remember: boolean,
    status: number,
  ) {
    // Alone it is a setting, but for a call that took too long.
    const code = apiError.code === 'REQUEST_RUNNING_TOO_LONG' ? 'CRM_UNAVAILABLE' : 'CRM_MISCONFIGURED';
    super(code, `Salesforce refused the whole call (${status} ${apiError.code}).`, {
      answer: answerOf(apiError, {}),
      signature: signatureOf(apiError),
    });
  }
}

export function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('CRM_UNAVAILABLE', message, { cause });
}

/**
 * A call that failed as a whole, or a `part` of one that went through. `retryAfterMs` is what the answer's header asked
 * for.
 */
export function callError(status: number, error: ApiError | null, retryAfterMs?: number, part = false): AppError {
  if (status === 413)
    return new BatchRefused(error ?? { code: 'EXCEEDED_MAX_SIZE_REQUEST', message: '', ...NOTHING }, true, status);
  if (error && isGovernorLimit(error)) return new BatchRefused(error, true, status);
  const limited = error && limitError(error, retryAfterMs);
  if (limited) return limited;
  if (!error || status >= 500) return unavailable(`Salesforce answered ${status}${error ? ` (${error.code})` : ' and no JSON'}.`);
  if (status === 429) return limitReached('CRM_RATE_LIMITED', 'Salesforce answers too many requests.', error, retryAfterMs);
  // After a 401 the client has fetched a new token already: the new one is refused too.
  if (PASSES_LATER.has(error.code) && (status !== 401 || part))
    return unavailable(`Salesforce answered ${status} (${error.code}).`);
  if (isLock(error))
    return new AppError('CRM_RECORD_BUSY', 'Another change held the record in Salesforce.', { answer: answerOf(error, {}) });
  if (status === 400 && ONE_RECORD_SPOILS_ALL.has(error.code)) return new BatchRefused(error, false, status);
  return new AppError('CRM_MISCONFIGURED', withAdvice(`Salesforce refused the whole call (${status} ${error.code}).`, error), {
    answer: answerOf(error, {}),
    signature: signatureOf(error),
  });
}

function withAdvice(message: string, { code }: ApiError): string {
  return code in ADVICE ? `${message} ${ADVICE[code]}` : message;
}

const NOTHING = { fields: [], duplicates: [] };

/**
 * One record's error inside a call that went through. `record` is what was sent: its values are taken out of what is
 * kept.
 */
export function recordError(error: ApiError, record: Record<string, unknown>): AppError {
  const limited = limitError(error);
  if (limited) return limited;
  const answer = answerOf(error, record);
  const sent = auditFields(record);
  if (isLock(error)) return new AppError('CRM_RECORD_BUSY', 'Another change held the record in Salesforce.', { answer, sent });
  if (PASSES_LATER.has(error.code)) {
    return new AppError('CRM_UNAVAILABLE', `Salesforce could not write the record (${error.code}).`, { answer, sent });
  }
  const message = MISCONFIGURED.has(error.code)
    ? `Salesforce lacks what the record needs (${error.code}).`
    : `Salesforce refused the record (${error.code}${fieldsOf(error)}).`;
  // Where a field is named that was sent, its value is at fault and not a setting.
  const own =
    RECORDS_OWN.has(error.code) ||
    (!isSetting(error) && error.fields.some((name) => name in record)) ||
    // One record may be shared for reading only; to create none is a missing permission.
    (error.code === 'INSUFFICIENT_ACCESS_OR_READONLY' && 'Id' in record);
  return new AppError('CRM_RECORD_REJECTED', withAdvice(message, error), {
    answer,
    sent,
    ...(own ? {} : { signature: signatureOf(error) }),
  });
}

/** What the org as a whole lacks, whatever the values of the record are. */
export function isSetting({ code }: ApiError): boolean {
  return MISCONFIGURED.has(code);
}

/** The same error without the suspicion that a setting, or an outage, is its cause. */
export function asOwnFault({ code, message, answer, sent, signature }: AppError): AppError {
  return new AppError(code === 'CRM_UNAVAILABLE' ? 'CRM_RECORD_BUSY' : code, message, {
    ...(answer === undefined ? {} : { answer }),
    ...(sent === undefined ? {} : { sent }),
    cause: `Other records pass, so ${signature ?? code} is this record's own.`,
  });
}

/** Also where a trigger or a flow ran into the lock. */
export function isLock({ code, message }: ApiError): boolean {
  return code === 'UNABLE_TO_LOCK_ROW' || message.includes('UNABLE_TO_LOCK_ROW');
}

/** Apex or a flow failed, and not a rule that names a field. */
export function isTriggerException({ code, fields }: ApiError): boolean {
  return fields.length === 0 && TRIGGER_EXCEPTIONS.has(code);
}

const TRIGGER_EXCEPTIONS = new Set(['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'CANNOT_EXECUTE_FLOW_TRIGGER', 'APEX_ERROR']);

/** Fewer records in one transaction would pass. */
export function isGovernorLimit({ code, message }: ApiError): boolean {
  return TOO_MANY_RECORDS.has(code) || (code !== 'REQUEST_LIMIT_EXCEEDED' && GOVERNOR_LIMIT.test(message));
}

export function isConcurrencyLimit(error: ApiError | null): boolean {
  return error?.code === 'REQUEST_LIMIT_EXCEEDED' && /concurrent/i.test(error.message);
}

function limitError(error: ApiError, retryAfterMs?: number): AppError | null {
  if (error.code !== 'REQUEST_LIMIT_EXCEEDED') return null;
  return isConcurrencyLimit(error)
    ? limitReached(
        'CRM_RATE_LIMITED',
        'Salesforce has too many calls of this org under way (ConcurrentRequests); that passes in seconds.',
        error,
        retryAfterMs,
      )
    : limitReached(
        'CRM_DAILY_LIMIT_REACHED',
        'The API calls of the day are used up in Salesforce (TotalRequests); they come back over the next 24 hours.',
        error,
        retryAfterMs,
      );
}

/** Salesforce does not say for how long: without a header the breaker finds out by itself. */
function limitReached(
  code: 'CRM_RATE_LIMITED' | 'CRM_DAILY_LIMIT_REACHED',
  message: string,
  error: ApiError,
  retryAfterMs: number | undefined,
): AppError {
  return new AppError(code, message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    answer: answerOf(error, {}),
  });
}

function signatureOf(error: ApiError): string {
  return `${error.code}:${[...error.fields].sort().join(',')}`;
}

function fieldsOf(error: ApiError): string {
  return error.fields.length > 0 ? `: ${error.fields.join(', ')}` : '';
}

/** An id of 18 characters has long runs of digits too, and names the record that is to be corrected. */
const ID_OR_PHONE = /\b[0-9A-Za-z]{15}[A-Z0-5]{3}\b|\+?\d[\d ()./-]{6,}\d/g;
const RECORD_ID = /^(?=.*[A-Za-z])[0-9A-Za-z]{18}$/;

/**
 * Salesforce quotes values in its messages; what we sent is taken out, and whatever looks like an address or a number
 * of a phone.
 */
function answerOf(error: ApiError, record: Record<string, unknown>): string {
  let message = error.message;
  const values = Object.entries(record).flatMap(([name, value]) =>
    name !== 'Id' && typeof value === 'string' && value.length > 2 ? [value] : [],
  );
  for (const value of values.sort((a, b) => b.length - a.length)) message = message.replaceAll(value, '…');
  message = message
    .replace(/[^\s"'<>:]+@[^\s"'<>]+/g, '…')
    .replace(ID_OR_PHONE, (found) => (RECORD_ID.test(found) ? found : '…'));
  const duplicates = error.duplicates.length > 0 ? ` (${error.duplicates.slice(0, 5).join(', ')})` : '';
  return `${error.code}${fieldsOf(error)} ${message}`.slice(0, ANSWER_AT_MOST - duplicates.length) + duplicates;
}
