import { APICallError } from 'ai';
import { describe, expect, it } from 'vitest';
import { translateError } from './provider-errors.js';

const ON_DEMAND =
  'Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput isn\u2019t supported. ' +
  'Retry your request with the ID or ARN of an inference profile that contains this model.';

function failed(status: number, message: string, region: string, model: string) {
  const url = `https://bedrock-runtime.${region}.amazonaws.com/model/${encodeURIComponent(model)}/converse`;
  const responseHeaders = { 'x-amzn-errortype': 'ValidationException' };
  const responseBody = JSON.stringify({ message });
  return translateError(
    new APICallError({ message, url, requestBodyValues: {}, statusCode: status, responseHeaders, responseBody }),
    0,
  );
}

describe('a model that Bedrock offers through an inference profile only', () => {
  it.each([
    ['us-east-1', 'anthropic.claude-haiku-4-5-20251001-v1:0', 'e.g. us.anthropic.claude-haiku-4-5-20251001-v1:0.'],
    ['us-gov-west-1', 'anthropic.claude-x', 'e.g. us-gov.anthropic.claude-x.'],
    ['eu-central-1', 'amazon.nova-2-lite-v1:0', 'e.g. eu.amazon.nova-2-lite-v1:0.'],
    ['ap-southeast-2', 'anthropic.claude-x', 'e.g. apac.anthropic.claude-x.'],
    ['eu-west-1', 'arn:aws:bedrock:eu-west-1::foundation-model/anthropic.x', 'a profile that contains it. `aws bedrock'],
  ])('in %s, asked for as %s', (region, model, advice) => {
    const error = failed(400, ON_DEMAND, region, model);
    expect(error.code).toBe('AI_MISCONFIGURED');
    expect(error.message).toContain('set BEDROCK_MODEL_ID to the id or ARN of a profile');
    expect(error.message).toContain(advice);
  });

  it('is distinguished from other refusals of the model', () => {
    const error = failed(400, 'The provided model identifier is invalid.', 'us-east-1', 'x');
    expect([error.code, error.message]).toEqual(['AI_MISCONFIGURED', expect.not.stringContaining('profile')]);
  });
});

describe('an answer about one text', () => {
  const answered = (statusCode: number, responseBody: string) =>
    translateError(
      new APICallError({ message: '', url: 'https://models.example', requestBodyValues: {}, statusCode, responseBody }),
      0,
    ).code;

  it.each([
    [400, '{"error":{"code":"content_filter","message":"The response was filtered"}}'],
    [400, '{"error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}'],
    [400, '{"error":{"code":"invalid_prompt","message":"Your prompt was flagged as potentially violating our usage policy."}}'],
    [400, '{"error":{"message":"Content Exists Risk"}}'],
    [400, '{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content."}'],
    [403, '{"error":{"message":"Your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"…"}}}'],
  ])('%i %s is a refusal', (status, body) => {
    expect(answered(status, body)).toBe('AI_REFUSED');
  });

  it.each([
    [403, '{"error":{"message":"Your organization violates our usage policies"}}'],
    [400, '{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}'],
    [410, '{"error":{"message":"This model was retired"}}'],
  ])('and %i %s is about all of them', (status, body) => {
    expect(answered(status, body)).toBe('AI_MISCONFIGURED');
  });
});

describe('an answer with a status', () => {
  const google = (code: number, status: string, message: string, details: object[] = []) =>
    JSON.stringify({ error: { code, message, status, details } });
  const amazon = (message: string) => JSON.stringify({ message });
  const openAi = (error: object) => JSON.stringify({ error });
  const answered = (statusCode: number, responseBody: string, type?: string) =>
    translateError(
      new APICallError({
        message: '',
        url: 'https://models.example',
        requestBodyValues: {},
        statusCode,
        responseBody,
        ...(type === undefined ? {} : { responseHeaders: { 'x-amzn-errortype': type } }),
        cause: Object.assign(new Error('no choices'), { name: 'AI_TypeValidationError' }),
      }),
      0,
    );

  it.each<[number, string, string, string?]>([
    // Gemini: https://ai.google.dev/gemini-api/docs/troubleshooting
    [400, google(400, 'INVALID_ARGUMENT', 'API key not valid.', [{ reason: 'API_KEY_INVALID' }]), 'AI_MISCONFIGURED'],
    [400, google(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.'), 'AI_MISCONFIGURED'],
    [400, google(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'), 'AI_MISCONFIGURED'],
    [400, google(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'), 'AI_ANSWER_INVALID'],
    [401, google(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'), 'AI_MISCONFIGURED'],
    [403, google(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked.'), 'AI_MISCONFIGURED'],
    [403, google(403, 'PERMISSION_DENIED', 'Generative Language API has not been used.'), 'AI_MISCONFIGURED'],
    [404, google(404, 'NOT_FOUND', 'models/gemini-1.0-pro is not found for API version v1beta.'), 'AI_MISCONFIGURED'],
    [409, google(409, 'ABORTED', 'The operation was aborted.'), 'AI_UNAVAILABLE'],
    [413, '<html>Request Entity Too Large</html>', 'AI_ANSWER_INVALID'],
    [429, google(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted.', [{ retryDelay: '7s' }]), 'AI_RATE_LIMITED'],
    [429, google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric: x/free_tier_requests, limit: 20'), 'AI_RATE_LIMITED'],
    [429, google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric: x/free_tier_requests, limit: 0'), 'AI_MISCONFIGURED'],
    [429, google(429, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.'), 'AI_MISCONFIGURED'],
    [499, google(499, 'CANCELLED', 'The operation was cancelled.'), 'AI_UNAVAILABLE'],
    [500, google(500, 'INTERNAL', 'An internal error has occurred.'), 'AI_UNAVAILABLE'],
    [503, google(503, 'UNAVAILABLE', 'The model is overloaded.'), 'AI_UNAVAILABLE'],
    [504, google(504, 'DEADLINE_EXCEEDED', 'Deadline expired.'), 'AI_TIMEOUT'],
    // Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
    [400, amazon('Malformed input request.'), 'AI_ANSWER_INVALID', 'ValidationException'],
    [400, amazon('Your request exceeds the quota.'), 'AI_RATE_LIMITED', 'ServiceQuotaExceededException'],
    [400, amazon('Rate exceeded'), 'AI_RATE_LIMITED', 'ThrottlingException'],
    [400, amazon("This model doesn't support tool use."), 'AI_MISCONFIGURED', 'ValidationException'],
    [400, amazon('`temperature` is deprecated for this model.'), 'AI_MISCONFIGURED', 'ValidationException'],
    [400, amazon('Operation not allowed'), 'AI_MISCONFIGURED', 'ValidationException'],
    [400, amazon('Your account is not authorized to invoke this API operation.'), 'AI_MISCONFIGURED', 'ValidationException'],
    [403, amazon("You don't have access to the model with the specified model ID."), 'AI_MISCONFIGURED', 'AccessDeniedException'],
    [403, amazon('The security token included in the request is expired'), 'AI_MISCONFIGURED', 'ExpiredTokenException'],
    [403, amazon('The security token included in the request is invalid.'), 'AI_MISCONFIGURED', 'UnrecognizedClientException'],
    [404, amazon('This model version has reached the end of its life.'), 'AI_MISCONFIGURED', 'ResourceNotFoundException'],
    [408, amazon('Model has timed out in processing the request.'), 'AI_TIMEOUT', 'ModelTimeoutException'],
    [424, amazon('The system encountered an unexpected error.'), 'AI_UNAVAILABLE', 'ModelErrorException'],
    [429, amazon('Too many requests, please wait.'), 'AI_RATE_LIMITED', 'ThrottlingException'],
    [429, amazon('The model is not ready for inference.'), 'AI_UNAVAILABLE', 'ModelNotReadyException'],
    [503, amazon('Bedrock is unable to process your request.'), 'AI_UNAVAILABLE', 'ServiceUnavailableException'],
    // chat/completions and gateways
    [402, openAi({ message: 'Insufficient Balance' }), 'AI_MISCONFIGURED'],
    [429, openAi({ code: 'insufficient_quota' }), 'AI_MISCONFIGURED'],
    [529, openAi({ type: 'overloaded_error' }), 'AI_UNAVAILABLE'],
    [200, openAi({ code: 429, message: 'Rate limit exceeded' }), 'AI_RATE_LIMITED'],
    [200, openAi({ code: 502, message: 'Provider returned error' }), 'AI_UNAVAILABLE'],
    [200, openAi({ code: 403, metadata: { flagged_input: '…' } }), 'AI_REFUSED'],
    [200, openAi({ message: 'something else' }), 'AI_ANSWER_INVALID'],
  ])('%i %s is %s %s', (status, body, code, type) => {
    const error = answered(status, body, type);
    expect([error.code, error.message]).toEqual([code, expect.not.stringMatching(/undefined|NaN/)]);
  });

  it('says what an operator can do about a limit that no wait lifts', () => {
    expect(answered(429, google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded, limit: 0, model: x')).message).toContain(
      'a quota of 0',
    );
    expect(answered(429, openAi({ type: 'insufficient_quota' })).message).toContain('no credit');
  });
});
