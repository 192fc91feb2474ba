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
