import { APICallError, LoadAPIKeyError, LoadSettingError, NoObjectGeneratedError, NoOutputGeneratedError } from 'ai';
import { AppError } from '../../domain/app-error.js';
import type { ErrorCode } from '../../domain/error-catalog.js';
import { retryAfterOf } from './retry-after.js';

/** What a failed call to a model means. It quotes no body or message of the provider: they may contain the lead. */
export function translateError(error: unknown, now: number): AppError {
  if (error instanceof AppError) return error;
  if (APICallError.isInstance(error)) return fromCall(error, now);
  if (NoObjectGeneratedError.isInstance(error)) return fromFinish(error.finishReason, error);
  if (NoOutputGeneratedError.isInstance(error)) return fromFinish(undefined, error);
  if (LoadAPIKeyError.isInstance(error) || LoadSettingError.isInstance(error) || speaksOfCredentials(error))
    return new AppError('AI_MISCONFIGURED', 'There are no credentials for the AI provider.', { cause: error });
  if (isOfName(error, 'TimeoutError')) return new AppError('AI_TIMEOUT', 'The model took too long.', { cause: error });
  if (isOfName(error, 'AbortError')) return new AppError('AI_UNAVAILABLE', 'The scoring was stopped.', { cause: error });
  if (isOfName(error, 'AI_InvalidResponseDataError') || isOfName(error, 'AI_EmptyResponseBodyError'))
    return new AppError('AI_ANSWER_INVALID', 'The model answered nothing that could be read.', { cause: error });
  return new AppError('AI_UNAVAILABLE', 'The model could not be asked.', { cause: error });
}

/** @param reason why the model stopped, as the SDK unifies it. */
export function fromFinish(reason: string | undefined, cause?: unknown): AppError {
  switch (reason) {
    case 'content-filter':
      return new AppError('AI_REFUSED', 'The model refuses to judge this text.', { cause });
    case 'length':
      return new AppError('AI_ANSWER_INVALID', 'The answer of the model was cut off.', { cause });
    default:
      return new AppError('AI_ANSWER_INVALID', 'The model answered something that is not a score.', { cause });
  }
}

function fromCall(error: APICallError, now: number): AppError {
  const status = statusOf(error);
  const kind = kindOf(error);
  const retryAfterMs = retryAfterOf(error.responseHeaders, error.responseBody, now);
  const make = (code: ErrorCode, message: string) =>
    new AppError(code, message, {
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(status === undefined
        ? {}
        : { answer: kind ? `${status} ${kind}` : String(status), signature: `${status}:${kind ?? ''}` }),
    });
  if (status === undefined) return make('AI_UNAVAILABLE', 'The AI provider could not be reached.');
  if (status < 300) {
    // The status came, and then the connection went: that is an outage and no answer.
    if (!isUnreadable(error.cause)) return make('AI_UNAVAILABLE', 'The connection to the AI provider closed during its answer.');
    return make('AI_ANSWER_INVALID', 'The AI provider answered something that is not its API.');
  }
  if (saysRefused(status, error.responseBody ?? '')) return make('AI_REFUSED', 'The AI provider refuses to judge this text.');
  if ([409, 424, 499].includes(status) || status >= 500 || kind === 'ModelNotReadyException') {
    if (status === 504) return make('AI_TIMEOUT', 'The model took too long.');
    return make('AI_UNAVAILABLE', `The AI provider is in trouble (${status}).`);
  }
  if (status === 429 || THROTTLED.test(kind ?? '')) {
    // Without money or a quota no waiting helps.
    if (NO_CREDIT.test(error.responseBody ?? ''))
      return make('AI_MISCONFIGURED', 'The account with the AI provider has no credit.');
    if (NO_QUOTA.test(error.responseBody ?? ''))
      return make('AI_MISCONFIGURED', 'The account with the AI provider has a quota of 0 for this model.');
    return make('AI_RATE_LIMITED', 'The AI provider takes no more requests for now.');
  }
  if (status === 408) return make('AI_TIMEOUT', 'The model took too long.');
  if (status === 400 && needsInferenceProfile(error)) return make('AI_MISCONFIGURED', inferenceProfileAdvice(error));
  if ([401, 402, 403, 404, 405, 410].includes(status) || (status === 400 && speaksOfSettings(error)))
    return make('AI_MISCONFIGURED', `The AI provider refuses us (${status}): the key, the permission or the model is wrong.`);
  // A request that it cannot read is either this text or all of them; the pipeline counts the signatures.
  return make('AI_ANSWER_INVALID', `The AI provider does not take the request (${status}).`);
}

/** Bedrock answers some limits with 400. */
const THROTTLED = /^(?:Throttling|TooManyRequests|ServiceQuotaExceeded)/;
const NO_CREDIT = /"insufficient_quota"|credits? (?:are|is) depleted/i;
/** Gemini, for a model that the tier of the account does not include. */
const NO_QUOTA = /\blimit: 0\b/;

/** Gateways answer 200 with the error of the vendor behind them, and its status in the body. */
function statusOf({ statusCode, responseBody = '' }: APICallError): number | undefined {
  if (statusCode === undefined || statusCode >= 300) return statusCode;
  const told = fieldsOf(responseBody).find((value) => typeof value === 'number' && value >= 400 && value < 600);
  return (told as number | undefined) ?? statusCode;
}

const KIND = /^[A-Za-z][A-Za-z0-9_.]{2,60}$/;

/** The error's own type: a word of the API, and never a sentence. */
function kindOf(error: APICallError): string | undefined {
  const amazon = error.responseHeaders?.['x-amzn-errortype']?.split(':', 1)[0];
  const candidates = [amazon, ...fieldsOf(error.responseBody ?? '')];
  return candidates.find((value): value is string => typeof value === 'string' && KIND.test(value));
}

function fieldsOf(body: string): unknown[] {
  try {
    const { error } = JSON.parse(body) as { error?: { status?: unknown; code?: unknown; type?: unknown } };
    return [error?.status, error?.code, error?.type];
  } catch {
    return [];
  }
}

/**
 * A 400 that every lead would get: the key (Gemini), the region (Gemini), the model, its profile or the account
 * (Bedrock, chat/completions).
 */
const OF_SETTINGS = [
  /API_KEY_INVALID|API key|credit balance|billing|FAILED_PRECONDITION|model_not_found/i,
  /model identifier|inference profile|on-demand throughput|(?:does not|doesn.{1,6}t) support|is deprecated for this model/i,
  /Operation not allowed|not authorized to invoke|not allowed for this account|ExpiredToken/i,
  /"param"\s*:\s*"(?:model|response_format|temperature)"/i,
];

function speaksOfSettings({ responseBody = '' }: APICallError): boolean {
  return OF_SETTINGS.some((pattern) => pattern.test(responseBody));
}

function needsInferenceProfile(error: APICallError): boolean {
  return /on-demand throughput|with the id or arn of an inference profile/i.test(error.responseBody ?? '');
}

/** Prefixes of the cross-region inference profiles, by the beginning of the region. */
const PROFILE_PREFIXES: [region: string, prefix: string][] = [
  ['us-gov-', 'us-gov'],
  ['us-', 'us'],
  ['eu-', 'eu'],
  ['ap-', 'apac'],
];

/**
 * Newer models are offered through inference profiles only; the error of Bedrock does not say which variable that is.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
function inferenceProfileAdvice({ url }: APICallError): string {
  const model = /\/model\/([^/?]+)/.exec(url)?.[1];
  const region = /bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./.exec(url)?.[1] ?? '';
  const prefix = PROFILE_PREFIXES.find(([start]) => region.startsWith(start))?.[1] ?? 'eu';
  const isBare = model !== undefined && !/^(?:arn|us|us-gov|eu|apac|global|jp|au)[.:%]/i.test(model);
  const example = isBare ? `, e.g. ${prefix}.${decodeURIComponent(model).slice(0, 100)}` : '';
  return (
    'Bedrock offers this model through an inference profile only: set BEDROCK_MODEL_ID to the id or ARN of a profile that ' +
    `contains it${example}. \`aws bedrock list-inference-profiles\` lists them.`
  );
}

/** Words of OpenAI, Azure, Anthropic, DeepSeek, Alibaba and others for a text that they do not judge. */
const REFUSED =
  /content[ _](?:filter|policy|management policy)|ResponsibleAIPolicyViolation|invalid_prompt|usage polic|data_?inspection_?failed|Content Exists Risk|PROHIBITED_CONTENT|moderation/i;
/** A gateway forbids one text with the status of a missing permission. */
const FORBIDDEN_TEXT = /flagged_input|moderation/i;

function saysRefused(status: number, body: string): boolean {
  if (status === 403) return FORBIDDEN_TEXT.test(body);
  return (status === 400 || status === 422) && REFUSED.test(body);
}

function speaksOfCredentials(error: unknown): boolean {
  return error instanceof Error && /^AWS (?:SigV4|credential)|CredentialsProviderError/.test(`${error.message} ${error.name}`);
}

/** Whether a body arrived whole; the SDK wraps what it cannot parse, and what it could not read, alike. */
function isUnreadable(cause: unknown): boolean {
  return ['AI_JSONParseError', 'AI_TypeValidationError'].some((name) => isOfName(cause, name));
}

function isOfName(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
