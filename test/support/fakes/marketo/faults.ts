/** What Marketo may do instead of answering well, or before or after it did. */
export type MarketoFault =
  /** A whole answer of the response level: HTTP 200, `success: false`. The request was not executed. */
  | { kind: 'code'; code: string; message?: string }
  /** As `code`, but the request was executed first: the outcome is unknown to the caller. */
  | { kind: 'code-after'; code: string }
  | { kind: 'status'; status: number; body?: string }
  /** Closes the connection before or after the request was executed. */
  | { kind: 'drop'; after?: boolean }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** 200 and a page of HTML, as a proxy sends it. */
  | { kind: 'html' }
  /** 200 and this JSON in place of the answer, which the request was executed for. */
  | { kind: 'body'; body: unknown };

/** A fault for the next `times` requests whose path matches. */
export interface PlannedFault {
  fault: MarketoFault;
  path: RegExp;
  method: string | undefined;
  times: number;
}

/** Meanings as https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes lists them. */
export const MESSAGES: Record<string, string> = {
  '502': 'Bad Gateway',
  '600': 'Empty access token',
  '601': 'Access token invalid',
  '602': 'Access token expired',
  '603': 'Access denied',
  '604': 'Request time-out',
  '605': 'HTTP Method not supported',
  '606': "Max rate limit '100' exceeded with in '20' secs",
  '607': 'Daily quota reached',
  '608': 'API Temporarily Unavailable',
  '609': 'Invalid JSON',
  '610': 'Requested resource not found',
  '611': 'System error',
  '612': 'Invalid Content Type',
  '613': 'Invalid Multipart Request',
  '614': 'Invalid Subscription',
  '615': 'Concurrent access limit reached',
  '616': 'Invalid subscription type',
  '701': 'email cannot be blank',
  '702': 'No data found for a given search scenario',
  '703': 'The feature is not enabled for the subscription',
  '704': 'Invalid date format',
  '709': 'Business Rule Violation',
  '713': 'Transient Error',
  '1001': "Invalid value 'x'. Required of type 'integer'",
  '1002': "Missing value for required parameter 'input'",
  '1003': 'Invalid data',
  '1004': 'Lead not found',
  '1005': 'Lead already exists',
  '1006': "Field 'rfFitScore' not found",
  '1007': 'Multiple lead match lookup criteria',
  '1008': 'Access to partition denied',
  '1021': 'Company update not allowed',
};

/** What a random request may meet, without faults that stop everything for hours. */
export const PASSING_FAULTS: readonly MarketoFault[] = [
  { kind: 'code', code: '608' },
  { kind: 'code', code: '611' },
  { kind: 'code', code: '713' },
  { kind: 'code-after', code: '604' },
  { kind: 'status', status: 502, body: '<html><body>Bad Gateway</body></html>' },
  { kind: 'drop' },
  { kind: 'drop', after: true },
  { kind: 'html' },
];
