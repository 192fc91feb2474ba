import { AppError } from '../../domain/app-error.js';
import type { ErrorCode } from '../../domain/error-catalog.js';
import { untilQuotaReset } from './quota-day.js';

/** One error of a response or of a record, as Marketo gives it. */
export interface MarketoError {
  code: string;
  message: string;
}

/** After this the window of 20 seconds has passed, whatever was in it. */
export const RATE_WINDOW_MS = 20_000;
const CONCURRENCY_WAIT_MS = 5000;

/**
 * Codes of the response level: the whole request was refused.
 * https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
 */
const RESPONSE_CODES: Record<string, ErrorCode> = {
  '502': 'MARKETO_UNAVAILABLE',
  '600': 'MARKETO_MISCONFIGURED',
  '601': 'MARKETO_MISCONFIGURED',
  '602': 'MARKETO_MISCONFIGURED',
  '603': 'MARKETO_MISCONFIGURED',
  '604': 'MARKETO_UNAVAILABLE',
  '605': 'MARKETO_REQUEST_REFUSED',
  '606': 'MARKETO_RATE_LIMITED',
  '607': 'MARKETO_DAILY_LIMIT_REACHED',
  '608': 'MARKETO_UNAVAILABLE',
  '609': 'MARKETO_REQUEST_REFUSED',
  '610': 'MARKETO_REQUEST_REFUSED',
  '611': 'MARKETO_UNAVAILABLE',
  '612': 'MARKETO_REQUEST_REFUSED',
  '613': 'MARKETO_REQUEST_REFUSED',
  '614': 'MARKETO_UNAVAILABLE',
  '615': 'MARKETO_RATE_LIMITED',
  '616': 'MARKETO_MISCONFIGURED',
  '713': 'MARKETO_UNAVAILABLE',
  '1006': 'MARKETO_MISCONFIGURED',
};

/** Marketo ended the call, or its gateway did not wait for it: a write may still be executed. */
const MAY_BE_EXECUTED = new Set(['502', '604']);

/** One code for three cases of the bulk extract, which the text alone tells apart. */
const BULK_REFUSED = '1029';
const BULK_QUOTA = /quota/i;
const BULK_QUEUE_FULL = /too many jobs/i;
/** Ten jobs of all integrations may wait, and a job takes minutes. */
const BULK_QUEUE_WAIT_MS = 300_000;

/** Codes of the record level: the others of the request were executed. */
const RECORD_CODES: Record<string, ErrorCode> = {
  '1004': 'MARKETO_PERSON_GONE',
  '1006': 'MARKETO_MISCONFIGURED',
  '1007': 'MARKETO_PERSON_AMBIGUOUS',
  '1008': 'MARKETO_PARTITION_DENIED',
  '1009': 'MARKETO_PARTITION_DENIED',
  '1010': 'MARKETO_PARTITION_DENIED',
  '1011': 'MARKETO_MISCONFIGURED',
  '1021': 'MARKETO_MISCONFIGURED',
};

/** Codes of 6xx and 1006 quote names of fields and limits; the others may quote what a person entered. */
const QUOTES_NO_VALUE = /^(?:6\d\d|1006)$/;

function answerOf({ code, message }: MarketoError): string {
  const text = QUOTES_NO_VALUE.test(code) ? message : message.replaceAll(/'[^']*'|"[^"]*"|\S+@\S+/g, '…');
  return `${code}: ${text}`.slice(0, 200);
}

const signatureOf = ({ code, message }: MarketoError) => `marketo:${answerOf({ code, message })}`;

/**
 * The error of a whole request. Unknown codes of 7xx and above are taken for a refusal of the request.
 * @param harmless the request reads, so that it does not matter whether it was executed.
 */
export function responseError(error: MarketoError, harmless: boolean, now: number): AppError {
  const code = !harmless && MAY_BE_EXECUTED.has(error.code) ? 'MARKETO_OUTCOME_UNKNOWN' : responseCodeOf(error);
  const retryAfterMs = waitFor(error, now);
  return new AppError(code, sentenceOf(code, error), {
    answer: answerOf(error),
    signature: signatureOf(error),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The error of one record among others. Unknown codes are the record's own fault. */
export function recordError(error: MarketoError): AppError {
  const code = RECORD_CODES[error.code] ?? 'MARKETO_RECORD_REJECTED';
  return new AppError(code, sentenceOf(code, error), { answer: answerOf(error), signature: signatureOf(error) });
}

function responseCodeOf({ code, message }: MarketoError): ErrorCode {
  if (code === BULK_REFUSED && BULK_QUOTA.test(message)) return 'MARKETO_DAILY_LIMIT_REACHED';
  if (code === BULK_REFUSED && BULK_QUEUE_FULL.test(message)) return 'MARKETO_RATE_LIMITED';
  return RESPONSE_CODES[code] ?? 'MARKETO_REQUEST_REFUSED';
}

function waitFor({ code, message }: MarketoError, now: number): number | undefined {
  if (code === BULK_REFUSED && BULK_QUOTA.test(message)) return untilQuotaReset(now);
  if (code === BULK_REFUSED && BULK_QUEUE_FULL.test(message)) return BULK_QUEUE_WAIT_MS;
  if (code === '606') return RATE_WINDOW_MS;
  if (code === '615') return CONCURRENCY_WAIT_MS;
  if (code === '607') return untilQuotaReset(now);
  return undefined;
}

function sentenceOf(code: ErrorCode, error: MarketoError): string {
  switch (code) {
    case 'MARKETO_OUTCOME_UNKNOWN':
      return `Marketo did not say whether it executed the call (${answerOf(error)}).`;
    case 'MARKETO_UNAVAILABLE':
      return `Marketo could not execute the call (${answerOf(error)}).`;
    case 'MARKETO_RATE_LIMITED':
      return `Marketo asks to wait (${answerOf(error)}).`;
    case 'MARKETO_DAILY_LIMIT_REACHED':
      return error.code === BULK_REFUSED
        ? "Marketo's 500 MB of bulk exports of the day are used up (1029); they are free again at midnight in Chicago."
        : "Marketo's API calls of the day are used up (607); they are free again at midnight in Chicago.";
    case 'MARKETO_PERSON_GONE':
      return 'Marketo has no such person.';
    case 'MARKETO_PERSON_AMBIGUOUS':
      return 'Several people in Marketo have the address.';
    case 'MARKETO_PARTITION_DENIED':
      return 'The API user may not write to the lead partition of the person.';
    case 'MARKETO_MISCONFIGURED':
      return error.code === '603'
        ? 'Marketo denies access (603): the API user lacks a permission, or its allowlist lacks our address.'
        : `Marketo refuses the call because of a setting (${answerOf(error)}).`;
    default:
      return `Marketo refuses the call (${answerOf(error)}).`;
  }
}

/** Errors of a connection that was never made: the request cannot have been executed. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

export function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('MARKETO_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}

/** No answer came. `harmless`: the request reads, so that it does not matter whether it was executed. */
export function noAnswer(message: string, harmless: boolean, cause?: unknown): AppError {
  const system = ((cause as Error | undefined)?.cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (harmless || NEVER_SENT.has(system)) return unavailable(message, cause);
  return new AppError('MARKETO_OUTCOME_UNKNOWN', message, cause === undefined ? {} : { cause });
}

/** Marketo answers with codes of its own: these are of a proxy on the way, or of another server. */
const NOT_OF_MARKETO = new Set([401, 403, 404]);

/** An HTTP status other than 200, which Marketo uses for sizes and its gateway only. */
export function statusError(status: number, harmless: boolean): AppError {
  if (status < 300 || status >= 500 || status === 408) return noAnswer(`Marketo answered ${status}.`, harmless);
  if (status === 429) {
    return new AppError('MARKETO_RATE_LIMITED', 'Marketo, or a proxy before it, asks to wait (429).', {
      retryAfterMs: RATE_WINDOW_MS,
    });
  }
  if (NOT_OF_MARKETO.has(status)) {
    const message = `A proxy, or a server that is not Marketo's REST API, refuses the call (${status}). Check MARKETO_BASE_URL.`;
    return new AppError('MARKETO_MISCONFIGURED', message, { signature: `marketo:http-${status}` });
  }
  if (status >= 300 && status < 400) {
    return unavailable(`Marketo redirects (${status}), as during maintenance; or MARKETO_BASE_URL is not its REST endpoint.`);
  }
  return new AppError('MARKETO_REQUEST_REFUSED', `Marketo answered ${status}.`, { signature: `marketo:http-${status}` });
}
