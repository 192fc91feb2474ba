/** The records that a duplicate rule found; Salesforce adds it to the error. */
export interface DuplicateResult {
  allowSave: boolean;
  duplicateRule: string;
  duplicateRuleEntityType: string;
  errorMessage: string;
  matchResults: {
    entityType: string;
    errors: [];
    matchEngine: string;
    matchRecords: { additionalInformation: []; fieldDiffs: []; matchConfidence: number; record: Record<string, unknown> }[];
    rule: string;
    size: number;
    success: true;
  }[];
}

/** One record's error. On the wire its code is `errorCode` (single-record calls) or `statusCode` (collections). */
export interface RecordError {
  code: string;
  message: string;
  fields: string[];
  duplicateResult?: DuplicateResult;
}

export const recordError = (code: string, message: string, fields: string[] = []): RecordError => ({ code, message, fields });

/** The whole request is refused with one status and one error, as single-record resources answer. */
export class RequestRefused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields?: string[],
  ) {
    super(message);
  }
}

export const notFound = (): RequestRefused => new RequestRefused(404, 'NOT_FOUND', 'The requested resource does not exist');

export const noSuchColumn = (field: string, object: string): RequestRefused =>
  new RequestRefused(400, 'INVALID_FIELD', `No such column '${field}' on sobject of type ${object}`);

export const lockedRow = (ids: string[]): RecordError =>
  recordError(
    'UNABLE_TO_LOCK_ROW',
    `unable to obtain exclusive access to this record or ${ids.length} records: ${ids.join(',')}`,
  );

/** The same lock inside a trigger or flow of the org, which Salesforce reports as the trigger's failure. */
export const lockedInTrigger = (object: string, id: string): RecordError =>
  recordError(
    'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    `${object}Rollup: execution of AfterUpdate\n\ncaused by: System.DmlException: Update failed. First exception on row 0 with id ${id}; ` +
      'first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: []\n\nTrigger.LeadRollup: line 12, column 1',
  );

/** The HTTP status of a single-record answer with this error. */
export function statusOf(error: RecordError): number {
  if (error.code === 'ENTITY_IS_DELETED' || error.code === 'NOT_FOUND') return 404;
  if (error.code.startsWith('INSUFFICIENT_ACCESS')) return 403;
  return 400;
}

export function singleBody(errors: RecordError[], misspelt: boolean): unknown {
  return errors.map(({ code, message, fields, duplicateResult }) => ({
    ...(duplicateResult ? { [misspelt ? 'duplicateResut' : 'duplicateResult']: duplicateResult } : {}),
    message,
    errorCode: code,
    ...(duplicateResult ? {} : { fields }),
  }));
}

export function collectionErrors(errors: RecordError[], misspelt: boolean): unknown {
  return errors.map(({ code, message, fields, duplicateResult }) => ({
    ...(duplicateResult ? { [misspelt ? 'duplicateResut' : 'duplicateResult']: duplicateResult } : {}),
    statusCode: code,
    message,
    fields,
  }));
}
