import { z } from 'zod';
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

/** A record that the user may not see comes without its id: the others still count. */
const matchSchema = z.object({ record: z.object({ Id: recordIdSchema }) });
const resultSchema = z.object({
  matchResults: z.array(z.object({ matchRecords: z.array(z.unknown()).catch([]) }).catch({ matchRecords: [] })),
});

function duplicateIdsOf(result: unknown): string[] {
  const parsed = resultSchema.safeParse(result);
  const records = parsed.success ? parsed.data.matchResults.flatMap(({ matchRecords }) => matchRecords) : [];
  const ids = records.flatMap((record) => {
    const match = matchSchema.safeParse(record);
    return match.success ? [match.data.record.Id] : [];
  });
  return [...new Set(ids)];
}

/** What the org as a whole lacks: it would meet every record alike. */
const MISCONFIGURED = new Set([
  'INVALID_FIELD',
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'INVALID_TYPE',
  'INVALID_TYPE_FOR_OPERATION',
  'MALFORMED_QUERY',
  'NOT_FOUND',
  'API_DISABLED_FOR_ORG',
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

/** Whole calls, or single records of them, that would pass with fewer records in the transaction. */
const TOO_MANY_RECORDS = new Set([
  'EXCEEDED_ID_LIMIT',
  'EXCEEDED_MAX_SIZE_REQUEST',
  'LIMIT_EXCEEDED',
  'OPERATION_TOO_LARGE',
  'QUERY_TIMEOUT',
  'QUERY_TOO_COMPLICATED',
  'REQUEST_RUNNING_TOO_LONG',
  'TOO_MANY_APEX_REQUESTS',
  'URI_TOO_LONG',
]);
/** Records that were not written because another one of the call was refused. */
const ROLLED_BACK = new Set(['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'PROCESSING_HALTED']);
/**
 * Calls and records that may pass when sent again: the server was busy, the org is read-only for a maintenance or has
 * another host, or the session or a cursor expired.
 */
const PASSES_LATER = new Set([
  'API_CURRENTLY_DISABLED',
  'FUNCTIONALITY_TEMPORARILY_UNAVAILABLE',
  'INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE',
  'INVALID_QUERY_LOCATOR',
  'INVALID_SESSION_ID',
  'SERVER_UNAVAILABLE',
  'UNKNOWN_EXCEPTION',
  'URL_NOT_RESET',
]);
const TRIGGER_EXCEPTIONS = new Set(['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'CANNOT_EXECUTE_FLOW_TRIGGER', 'APEX_ERROR']);
/** Codes of none of these sets that say enough: to leave values out would not help. */
const OTHERS = new Set(['INSUFFICIENT_ACCESS_OR_READONLY', 'REQUIRED_FIELD_MISSING', 'UNABLE_TO_LOCK_ROW']);

/**
 * Governor limits as triggers, flows and managed packages report them (execution governors of the Apex Developer
 * Guide).
 */
const GOVERNOR_LIMIT =
  /LimitException|Too many (?:SOQL|SOSL|DML|query|future|queueable|callouts|email|describes|script statements|records)|Apex (?:CPU time|heap size)|CPU time limit|heap size too large|query rows: ?50001|iterations exceeded|limit exceeded: (?:SOQL|DML|CPU)|more than \d+ chunks|List size \d+ exceeds/i;

/** What the org as a whole lacks, whatever the values of the record are. */
export function isSetting({ code }: ApiError): boolean {
  return MISCONFIGURED.has(code);
}

/** It depends on the values of the record, or on its state in the org. */
export function isRecordsOwn({ code }: ApiError): boolean {
  return RECORDS_OWN.has(code);
}

/** The same call or record may pass later. */
export function passesLater({ code }: ApiError): boolean {
  return PASSES_LATER.has(code);
}

/** The session has ended, or the org has another host than the session names: a new token says which. */
export function needsNewToken(error: ApiError | null): boolean {
  return error?.code === 'INVALID_SESSION_ID' || error?.code === 'URL_NOT_RESET';
}

/** Also where a trigger or a flow ran into the lock. */
export function isLock({ code, message }: ApiError): boolean {
  return code === 'UNABLE_TO_LOCK_ROW' || message.includes('UNABLE_TO_LOCK_ROW');
}

/** Apex or a flow failed, and not a rule that names a field. */
export function isTriggerException({ code, fields }: ApiError): boolean {
  return fields.length === 0 && TRIGGER_EXCEPTIONS.has(code);
}

/** Fewer records in one transaction would pass. */
export function isGovernorLimit({ code, message }: ApiError): boolean {
  return TOO_MANY_RECORDS.has(code) || (!isCallLimit(code) && GOVERNOR_LIMIT.test(message));
}

/** Another record of the call was refused, and nothing is wrong with this one. */
export function isRolledBack({ code }: ApiError): boolean {
  return ROLLED_BACK.has(code);
}

/** A code that this service does not know. */
export function isUnlisted({ code }: ApiError): boolean {
  const listed = [MISCONFIGURED, RECORDS_OWN, TOO_MANY_RECORDS, ROLLED_BACK, PASSES_LATER, TRIGGER_EXCEPTIONS, OTHERS];
  return !isCallLimit(code) && !listed.some((codes) => codes.has(code));
}

export function isConcurrencyLimit(error: ApiError | null): boolean {
  if (error?.code === 'EXCEEDED_RATE_LIMIT') return true;
  return error?.code === 'REQUEST_LIMIT_EXCEEDED' && /concurrent/i.test(error.message);
}

/** Limits of the number of calls. */
export function isCallLimit(code: string): boolean {
  return code === 'REQUEST_LIMIT_EXCEEDED' || code === 'EXCEEDED_RATE_LIMIT';
}
