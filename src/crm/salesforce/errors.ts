import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { auditFields } from '../audit-fields.js';

/**
 * One error as Salesforce says it. Single-record calls spell the code `errorCode`, Collections `statusCode`
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
 */
export const apiErrorSchema = z
  .object({
    errorCode: z.string().optional(),
    statusCode: z.string().optional(),
    message: z.string().catch(''),
    fields: z.array(z.string()).nullish(),
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
  matchResults: z.array(z.object({ matchRecords: z.array(z.object({ record: z.object({ Id: z.string() }) })) })),
});

function duplicateIdsOf(result: unknown): string[] {
  const parsed = matchSchema.safeParse(result);
  return parsed.success ? parsed.data.matchResults.flatMap((match) => match.matchRecords.map(({ record }) => record.Id)) : [];
}

const ANSWER_AT_MOST = 300;

/** What the org as a whole lacks: it would meet every record alike. */
const MISCONFIGURED = new Set([
  'INVALID_FIELD',
  'INVALID_TYPE',
  'MALFORMED_QUERY',
  'NOT_FOUND',
  'API_DISABLED_FOR_ORG',
  'API_CURRENTLY_DISABLED',
  'FUNCTIONALITY_NOT_ENABLED',
  'INSUFFICIENT_ACCESS',
  'INVALID_SESSION_ID',
  'JSON_PARSER_ERROR',
  'UNSUPPORTED_API_VERSION',
  'INVALID_API_VERSION',
]);
/** The record's own fault, whatever happens to others. */
const RECORDS_OWN = new Set(['INVALID_EMAIL_ADDRESS', 'STRING_TOO_LONG', 'NUMBER_OUTSIDE_VALID_RANGE']);

export function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('CRM_UNAVAILABLE', message, { cause });
}

/** A call that failed as a whole. `retryAfterMs` is what the answer's header asked for. */
export function callError(status: number, error: ApiError | null, retryAfterMs?: number): AppError {
  if (!error || status >= 500) return unavailable(`Salesforce answered ${status}${error ? ` (${error.code})` : ''}.`);
  const limited = limitError(error, retryAfterMs);
  if (limited) return limited;
  if (status === 429) return limitReached('Salesforce answers too many requests.', error, retryAfterMs);
  if (error.code === 'SERVER_UNAVAILABLE' || error.code === 'UNKNOWN_EXCEPTION') {
    return unavailable(`Salesforce answered ${status} (${error.code}).`);
  }
  return new AppError('CRM_MISCONFIGURED', `Salesforce refused the whole call (${status} ${error.code}).`, {
    answer: answerOf(error, {}),
    signature: signatureOf(error),
  });
}

/** One record's error inside a call that went through. `record` is what was sent: its values are taken out of what is kept. */
export function recordError(error: ApiError, record: Record<string, unknown>): AppError {
  const limited = limitError(error);
  if (limited) return limited;
  const answer = answerOf(error, record);
  const sent = auditFields(record);
  if (isLock(error)) return new AppError('CRM_RECORD_BUSY', 'Another change held the record in Salesforce.', { answer, sent });
  if (error.code === 'SERVER_UNAVAILABLE' || error.code === 'UNKNOWN_EXCEPTION') {
    return new AppError('CRM_UNAVAILABLE', `Salesforce could not write the record (${error.code}).`, { answer, sent });
  }
  if (MISCONFIGURED.has(error.code)) {
    return new AppError('CRM_RECORD_REJECTED', `Salesforce lacks what the record needs (${error.code}).`, {
      answer,
      sent,
      signature: signatureOf(error),
    });
  }
  return new AppError('CRM_RECORD_REJECTED', `Salesforce refused the record (${error.code}${fieldsOf(error)}).`, {
    answer,
    sent,
    ...(RECORDS_OWN.has(error.code) ? {} : { signature: signatureOf(error) }),
  });
}

/** Also where a trigger or a flow ran into the lock. */
export function isLock({ code, message }: ApiError): boolean {
  return code === 'UNABLE_TO_LOCK_ROW' || message.includes('UNABLE_TO_LOCK_ROW');
}

export function isConcurrencyLimit(error: ApiError | null): boolean {
  return error?.code === 'REQUEST_LIMIT_EXCEEDED' && /concurrent/i.test(error.message);
}

function limitError(error: ApiError, retryAfterMs?: number): AppError | null {
  if (error.code !== 'REQUEST_LIMIT_EXCEEDED') return null;
  return isConcurrencyLimit(error)
    ? limitReached('Salesforce has too many calls of this org under way.', error, retryAfterMs)
    : limitReached('The API calls of the day are used up in Salesforce.', error, retryAfterMs);
}

/** Salesforce does not say for how long: without a header the breaker finds out by itself. */
function limitReached(message: string, error: ApiError, retryAfterMs: number | undefined): AppError {
  return new AppError('CRM_RATE_LIMITED', message, {
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

/** Salesforce quotes values in its messages; what we sent is taken out, and whatever looks like an address or a number of a phone. */
function answerOf(error: ApiError, record: Record<string, unknown>): string {
  let message = error.message;
  const values = Object.values(record).filter((value): value is string => typeof value === 'string' && value.length > 2);
  for (const value of values.sort((a, b) => b.length - a.length)) message = message.replaceAll(value, '…');
  message = message.replace(/[^\s"'<>:]+@[^\s"'<>]+/g, '…').replace(/\+?\d[\d ()./-]{6,}\d/g, '…');
  return `${error.code}${fieldsOf(error)} ${message}`.slice(0, ANSWER_AT_MOST);
}
