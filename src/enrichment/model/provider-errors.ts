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
  const status = error.statusCode;
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
  if (saysRefused(error)) return make('AI_REFUSED', 'The AI provider refuses to judge this text.');
  if (status === 429) {
    // Without money in the account no waiting helps.
    if (kind === 'insufficient_quota') return make('AI_MISCONFIGURED', 'The account with the AI provider has no credit.');
    return make('AI_RATE_LIMITED', 'The AI provider takes no more requests for now.');
  }
  if (status === 408 || status === 504) return make('AI_TIMEOUT', 'The model took too long.');
  if (status === 400 && needsInferenceProfile(error)) return make('AI_MISCONFIGURED', inferenceProfileAdvice(error));
  if ([401, 402, 403, 404, 405, 410].includes(status) || (status === 400 && speaksOfSettings(error)))
    return make('AI_MISCONFIGURED', `The AI provider refuses us (${status}): the key, the permission or the model is wrong.`);
  if (status === 424 || status >= 500) return make('AI_UNAVAILABLE', `The AI provider is in trouble (${status}).`);
  // A request that it cannot read is either this text or all of them; the pipeline counts the signatures.
  return make('AI_ANSWER_INVALID', `The AI provider does not take the request (${status}).`);
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
 * A 400 that every lead would get: the key (Gemini), the region (Gemini), the model or its profile (Bedrock,
 * chat/completions).
 */
function speaksOfSettings(error: APICallError): boolean {
  const body = error.responseBody ?? '';
  return /API_KEY_INVALID|API key|credit balance|billing|FAILED_PRECONDITION|model identifier|inference profile|on-demand throughput|model_not_found|"param"\s*:\s*"(?:model|response_format|temperature)"/i.test(
    body,
  );
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

function saysRefused({ statusCode, responseBody = '' }: APICallError): boolean {
  if (statusCode === 403) return FORBIDDEN_TEXT.test(responseBody);
  return (statusCode === 400 || statusCode === 422) && REFUSED.test(responseBody);
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
