import { describe, expect, it } from 'vitest';
import { apiErrorSchema } from './api-error.js';
import { callError, recordError } from './errors.js';

const read = (body: object) => apiErrorSchema.parse(body);

describe('what Salesforce says', () => {
  it('is read in both spellings', () => {
    const single = read({ message: 'm', errorCode: 'UNABLE_TO_LOCK_ROW', fields: [] });
    const collection = read({ message: 'm', statusCode: 'UNABLE_TO_LOCK_ROW', fields: [] });
    expect(single).toEqual(collection);
  });

  it.each(['duplicateResult', 'duplicateResut'])('names the duplicates under %s', (name) => {
    const error = read({
      statusCode: 'DUPLICATES_DETECTED',
      message: 'Use one of these records?',
      [name]: { matchResults: [{ matchRecords: [{ record: { Id: '00Q1', attributes: {} } }, { record: { Id: '0031' } }] }] },
    });
    expect(error.duplicates).toEqual(['00Q1', '0031']);
  });

  it('names the duplicates of which it gives an id', () => {
    const matchRecords = [{ record: { attributes: { type: 'Lead' } } }, null, { record: { Id: '00Q1' } }];
    const duplicateResut = { matchResults: [{ matchRecords: null }, { matchRecords }] };
    expect(read({ statusCode: 'DUPLICATES_DETECTED', duplicateResut }).duplicates).toEqual(['00Q1']);
  });

  it.each([
    ['UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access', 'CRM_RECORD_BUSY'],
    ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'Flow: UNABLE_TO_LOCK_ROW, unable', 'CRM_RECORD_BUSY'],
    ['REQUIRED_FIELD_MISSING', 'Required fields are missing: [Industry]', 'CRM_RECORD_REJECTED'],
    ['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Give a reason', 'CRM_RECORD_REJECTED'],
    ['STRING_TOO_LONG', 'Title: data value too large', 'CRM_RECORD_REJECTED'],
    ['INVALID_EMAIL_ADDRESS', 'Email: invalid email address', 'CRM_RECORD_REJECTED'],
    ['SERVER_UNAVAILABLE', 'Try again', 'CRM_UNAVAILABLE'],
    ['REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', 'CRM_DAILY_LIMIT_REACHED'],
    ['REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests Limit exceeded.', 'CRM_RATE_LIMITED'],
    ['EXCEEDED_RATE_LIMIT', 'Too many', 'CRM_RATE_LIMITED'],
    ['INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE', 'Read-only', 'CRM_UNAVAILABLE'],
    ['FUNCTIONALITY_TEMPORARILY_UNAVAILABLE', 'Later', 'CRM_UNAVAILABLE'],
    ['API_CURRENTLY_DISABLED', 'API is currently disabled', 'CRM_UNAVAILABLE'],
    ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'Record rolled back', 'CRM_RECORD_BUSY'],
  ])('of a record: %s, %s', (statusCode, message, code) => {
    expect(recordError(read({ statusCode, message }), {}).code).toBe(code);
  });

  it.each([
    [503, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', 'CRM_DAILY_LIMIT_REACHED'],
    [400, 'QUERY_TIMEOUT', 'Your query request was running for too long.', 'CRM_UNAVAILABLE'],
    [400, 'INVALID_QUERY_LOCATOR', 'invalid query locator', 'CRM_UNAVAILABLE'],
    [401, 'INVALID_SESSION_ID', 'Session expired or invalid', 'CRM_MISCONFIGURED'],
    [400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access', 'CRM_RECORD_BUSY'],
    [410, 'UNSUPPORTED_API_VERSION', 'The requested resource has been retired', 'CRM_MISCONFIGURED'],
    [400, 'URL_NOT_RESET', 'The URL returned from login must be set', 'CRM_UNAVAILABLE'],
    [403, 'INVALID_SESSION_ID', 'Session expired or invalid', 'CRM_UNAVAILABLE'],
    [503, 'INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE', 'Read-only', 'CRM_UNAVAILABLE'],
    [403, 'API_CURRENTLY_DISABLED', 'API is currently disabled', 'CRM_UNAVAILABLE'],
    [403, 'EXCEEDED_RATE_LIMIT', 'Too many', 'CRM_RATE_LIMITED'],
    [400, 'QUERY_TOO_COMPLICATED', 'Query is either selecting too many fields', 'CRM_MISCONFIGURED'],
  ])('of a call: %i %s, %s', (status, errorCode, message, code) => {
    expect(callError(status, read({ errorCode, message })).code).toBe(code);
  });

  it.each([
    [410, 'UNSUPPORTED_API_VERSION'],
    [410, 'GONE'],
    [404, 'NOT_FOUND'],
  ])('says what to do about a version of the API that is gone: %i %s', (status, errorCode) => {
    expect(callError(status, read({ errorCode, message: '' })).message).toContain('SALESFORCE_API_VERSION');
  });

  it.each([
    [400, { errorCode: 'QUERY_TOO_COMPLICATED', message: '' }, true],
    [400, { errorCode: 'QUERY_TIMEOUT', message: '' }, true],
    [413, null, true],
    [414, null, true],
    [431, null, true],
    // One record of the call is wrong, whatever the code is.
    [400, { errorCode: 'INVALID_DATE_TIME', message: '' }, false],
  ])('divides a call that is refused by %i %j', (status, body, remember) => {
    expect(callError(status, body && read(body))).toMatchObject({ remember });
  });

  it('says what to do about an address that cannot be searched', () => {
    const error = read({ errorCode: 'INVALID_FIELD', message: "field 'Email' can not be filtered in a query call" });
    expect(callError(400, error).message).toContain('SALESFORCE_MATCH=none');
  });

  it('waits as long as it is asked to', () => {
    expect(callError(429, null, 7000)).toMatchObject({ code: 'CRM_RATE_LIMITED', retryAfterMs: 7000 });
    expect(callError(503, null, 30_000)).toMatchObject({ code: 'CRM_UNAVAILABLE', retryAfterMs: 30_000 });
  });

  it('of a part of a call, or of a record, is no wrong secret where the session ended', () => {
    const expired = read({ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' });
    expect(callError(401, expired, undefined, true).code).toBe('CRM_UNAVAILABLE');
    expect(recordError(expired, {}).code).toBe('CRM_UNAVAILABLE');
  });

  it('gives a signature to what a setting may have caused, and none to what only this record can have', () => {
    const missing = recordError(read({ statusCode: 'REQUIRED_FIELD_MISSING', message: '', fields: ['Industry'] }), {});
    expect(missing.signature).toBe('REQUIRED_FIELD_MISSING:Industry');
    expect(
      recordError(read({ statusCode: 'INVALID_EMAIL_ADDRESS', message: '', fields: ['Email'] }), {}).signature,
    ).toBeUndefined();
  });

  it.each([
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    'FIELD_INTEGRITY_EXCEPTION',
    'DUPLICATES_DETECTED',
    'INACTIVE_OWNER_OR_USER',
    'CIRCULAR_DEPENDENCY',
    'NUMBER_OUTSIDE_VALID_RANGE',
  ])('%s is the record’s own', (statusCode) => {
    expect(recordError(read({ statusCode, message: '' }), {}).signature).toBeUndefined();
  });

  it('is the record’s own where it names a field that was sent, and perhaps a setting where it names another', () => {
    const refused = read({ statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: '', fields: ['Phone'] });
    expect(recordError(refused, { Phone: '1' }).signature).toBeUndefined();
    expect(recordError(refused, { Title: 'VP' }).signature).toBe('FIELD_CUSTOM_VALIDATION_EXCEPTION:Phone');
  });

  it('names the records of a duplicate rule in the answer that is kept', () => {
    const matchResults = [{ matchRecords: [{ record: { Id: '00Q5e00000000Zz' } }] }];
    const { answer } = recordError(
      read({ statusCode: 'DUPLICATES_DETECTED', message: 'Use one of these records?', duplicateResut: { matchResults } }),
      {},
    );
    expect(answer).toMatch(/^DUPLICATES_DETECTED Use one of these records\? \(00Q5e00000000Zz...\)$/);
  });

  it('is kept without what it quotes of the person', () => {
    const record = { LastName: 'Müller-Lüdenscheidt', Title: 'Head of Everything', Score: 5 };
    const message =
      'Müller-Lüdenscheidt, Head of Everything: bad value; write to ann.lee@acme.com or +49 170 1234567 about id 00Q5g00000AbCdE and user 005000000000001AAA';
    const { answer } = recordError(read({ statusCode: 'X', message, fields: ['LastName'] }), record);
    expect(answer).toBe('X: LastName …, …: bad value; write to … or … about id 00Q5g00000AbCdE and user 005000000000001AAA');
  });

  it.each([
    ['a short name', { LastName: 'Li' }, [], 'a Lead "Li" of Lisa', 'a Lead "…" of Lisa'],
    ['other capitals', { LastName: 'Leestone' }, [], 'LEESTONE is on the list', '… is on the list'],
    ['encoded quotes', { LastName: "O'Brien" }, [], 'O&#39;Brien is on the list', '… is on the list'],
    ['what an older write had', {}, ['please call me'], 'Note (030) 123-4567: Please call me', 'Note …: …'],
    ['signs of a pattern', { Title: 'C++ (Lead) [a-z]/*' }, [], 'C++ (Lead) [a-z]/* is long', '… is long'],
  ])('is kept without %s', (_, record, personal, message, kept) => {
    expect(recordError(read({ statusCode: 'X', message }), record, personal).answer).toBe(`X ${kept}`);
  });

  it.each([
    [503, null, 'CRM_UNAVAILABLE'],
    [500, { errorCode: 'UNKNOWN_EXCEPTION', message: '' }, 'CRM_UNAVAILABLE'],
    [403, { errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }, 'CRM_DAILY_LIMIT_REACHED'],
    [403, { errorCode: 'API_DISABLED_FOR_ORG', message: '' }, 'CRM_MISCONFIGURED'],
    [401, { errorCode: 'INVALID_SESSION_ID', message: '' }, 'CRM_MISCONFIGURED'],
    [400, { errorCode: 'INVALID_FIELD', message: "No such column 'X'" }, 'CRM_MISCONFIGURED'],
    [429, { errorCode: 'TOO_MANY', message: '' }, 'CRM_RATE_LIMITED'],
  ])('of a whole call: %s %j', (status, body, code) => {
    expect(callError(status, body && read(body)).code).toBe(code);
  });
});
