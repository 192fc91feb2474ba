import { AppError } from '../../domain/app-error.js';
import { auditFields } from '../audit-fields.js';
import {
  isCallLimit,
  isConcurrencyLimit,
  isGovernorLimit,
  isLock,
  isRecordsOwn,
  isRolledBack,
  isSetting,
  passesLater,
  type ApiError,
} from './api-error.js';
import { fieldsOf, keptAnswer } from './kept-answer.js';

const OTHER_VERSION = 'The org may not have this version of the API: set SALESFORCE_API_VERSION to one that it has.';

const NOT_FILTERED = /can ?not be filtered/i;
const ENCRYPTED =
  'A field that leads are found by is encrypted, so it cannot be searched: choose deterministic encryption, or set SALESFORCE_MATCH=none.';
/** What to do about an error, where the words of Salesforce do not say it. */
const ADVICE: Record<string, string> = {
  ENTITY_IS_LOCKED: 'The record is locked, as by an approval process: unlock it or finish the approval, then replay.',
  INSUFFICIENT_ACCESS_OR_READONLY:
    'The integration user may not write this record: share it with the user, or correct the permissions, then replay.',
  INACTIVE_OWNER_OR_USER: 'The owner is an inactive user: give the record another owner, then replay.',
  INVALID_TYPE: 'The integration user may not see this object: assign the permission set RevenueFlow_Integration to it.',
  REQUIRED_FIELD_MISSING: 'The org requires a field that nothing fills: add it to the field map, or give it a default.',
  STORAGE_LIMIT_EXCEEDED: 'The org has no storage left: delete records or buy storage.',
  UNSUPPORTED_API_VERSION: OTHER_VERSION,
  INVALID_API_VERSION: OTHER_VERSION,
  GONE: OTHER_VERSION,
  NOT_FOUND: `${OTHER_VERSION} Or an object or a field is missing there, or hidden from the integration user.`,
};

/** Salesforce took too long: an outage, unless fewer records pass. */
const TOO_SLOW = new Set(['QUERY_TIMEOUT', 'REQUEST_RUNNING_TOO_LONG']);
/** The size of the call is refused, and not what is in it. */
const TOO_LARGE = new Set([413, 414, 431]);

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
    const code = TOO_SLOW.has(apiError.code) ? 'CRM_UNAVAILABLE' : 'CRM_MISCONFIGURED';
    super(code, withAdvice(`Salesforce refused the whole call (${status} ${apiError.code}).`, apiError), {
      answer: keptAnswer(apiError, {}),
      signature: signatureOf(apiError),
    });
  }
}

/**
 * An answer that is no outage for certain: an unexpected error, or the page of a gateway that refuses the call. One of
 * the records may cause it, so the call is divided once.
 */
export class UnexpectedAnswer extends AppError {
  constructor(message: string) {
    super('CRM_UNAVAILABLE', message);
  }
}

export function unavailable(message: string, cause?: unknown, retryAfterMs?: number): AppError {
  return new AppError('CRM_UNAVAILABLE', message, { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

/**
 * A call that failed as a whole, or a `part` of one that went through. `retryAfterMs` is what the answer's header asked
 * for.
 */
export function callError(status: number, error: ApiError | null, retryAfterMs?: number, part = false): AppError {
  if (TOO_LARGE.has(status)) {
    const code = status === 413 ? 'EXCEEDED_MAX_SIZE_REQUEST' : 'URI_TOO_LONG';
    return new BatchRefused(error ?? { code, message: '', fields: [], duplicates: [] }, true, status);
  }
  if (error && isGovernorLimit(error)) return new BatchRefused(error, true, status);
  const limited = error && limitError(error, retryAfterMs);
  if (limited) return limited;
  if (status === 429) return limitReached('CRM_RATE_LIMITED', 'Salesforce answers too many requests.', error, retryAfterMs);
  if (!error || status >= 500) return notExecuted(status, error, retryAfterMs);
  // After a 401 the client has fetched a new token already: the new one is refused too.
  if (passesLater(error) && (status !== 401 || part)) return unavailable(`Salesforce answered ${status} (${error.code}).`);
  if (isLock(error))
    return new AppError('CRM_RECORD_BUSY', 'Another change held the record in Salesforce.', { answer: keptAnswer(error, {}) });
  // Whatever the code: a call without a record that is wrong would be refused for a setting.
  if (status === 400 && !isSetting(error)) return new BatchRefused(error, false, status);
  return new AppError('CRM_MISCONFIGURED', withAdvice(`Salesforce refused the whole call (${status} ${error.code}).`, error), {
    answer: keptAnswer(error, {}),
    signature: signatureOf(error),
  });
}

/** Statuses of gateways and proxies without a server behind them, and of requests that did not arrive whole. */
const OUTAGES = new Set([401, 407, 408, 425, 502, 503, 504]);

function notExecuted(status: number, error: ApiError | null, retryAfterMs: number | undefined): AppError {
  const message = `Salesforce answered ${status}${error ? ` (${error.code})` : ' and no JSON'}.`;
  const isOutage = OUTAGES.has(status) || (error !== null && error.code !== 'UNKNOWN_EXCEPTION');
  return isOutage ? unavailable(message, undefined, retryAfterMs) : new UnexpectedAnswer(message);
}

function withAdvice(message: string, { code, message: said }: ApiError): string {
  if (code === 'INVALID_FIELD' && NOT_FILTERED.test(said)) return `${message} ${ENCRYPTED}`;
  return code in ADVICE ? `${message} ${ADVICE[code]}` : message;
}

/**
 * One record's error inside a call that went through. `record` is what was sent, and `personal` are more texts of the
 * person: they are taken out of what is kept.
 */
export function recordError(error: ApiError, record: Record<string, unknown>, personal: readonly string[] = []): AppError {
  const limited = limitError(error);
  if (limited) return limited;
  const answer = keptAnswer(error, record, personal);
  const sent = auditFields(record);
  if (isLock(error)) return new AppError('CRM_RECORD_BUSY', 'Another change held the record in Salesforce.', { answer, sent });
  if (isRolledBack(error)) {
    return new AppError('CRM_RECORD_BUSY', 'Salesforce refused another record of the call, and rolled this one back.', {
      answer,
      sent,
    });
  }
  if (passesLater(error)) {
    return new AppError('CRM_UNAVAILABLE', `Salesforce could not write the record (${error.code}).`, { answer, sent });
  }
  const message = isSetting(error)
    ? `Salesforce lacks what the record needs (${error.code}).`
    : `Salesforce refused the record (${error.code}${fieldsOf(error)}).`;
  // Where a field is named that was sent, its value is at fault and not a setting.
  const own =
    isRecordsOwn(error) ||
    (!isSetting(error) && error.fields.some((name) => name in record)) ||
    // One record may be shared for reading only; to create none is a missing permission.
    (error.code === 'INSUFFICIENT_ACCESS_OR_READONLY' && 'Id' in record);
  return new AppError('CRM_RECORD_REJECTED', withAdvice(message, error), {
    answer,
    sent,
    ...(own ? {} : { signature: signatureOf(error) }),
  });
}

/** The same error without the suspicion that a setting, or an outage, is its cause. */
export function asOwnFault({ code, message, answer, sent, signature }: AppError): AppError {
  return new AppError(code === 'CRM_UNAVAILABLE' ? 'CRM_RECORD_BUSY' : code, message, {
    ...(answer === undefined ? {} : { answer }),
    ...(sent === undefined ? {} : { sent }),
    cause: `Other records pass, so ${signature ?? code} is this record's own.`,
  });
}

function limitError(error: ApiError, retryAfterMs?: number): AppError | null {
  if (!isCallLimit(error.code)) return null;
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
  error: ApiError | null,
  retryAfterMs: number | undefined,
): AppError {
  return new AppError(code, message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(error ? { answer: keptAnswer(error, {}) } : {}),
  });
}

function signatureOf(error: ApiError): string {
  return `${error.code}:${[...error.fields].sort().join(',')}`;
}
