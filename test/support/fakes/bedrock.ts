import { FakeModel, json, tokensOf, type Dialect, type WireAnswer } from './fake-model.js';

interface ConverseRequest {
  system?: { text: string }[];
  messages: { role: string; content: { text?: string }[] }[];
  toolConfig?: { tools: { toolSpec: { name: string } }[]; toolChoice?: Record<string, unknown> };
}

const CONVERSE = /^\/model\/([^/]+)\/converse$/;

function failure(status: number, type: string, message: string): WireAnswer {
  return json(
    status,
    { message },
    { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/`, 'x-amzn-requestid': 'fake-0' },
  );
}

/** Bedrock's Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
const dialect: Dialect = {
  name: 'bedrock',

  accepts(request) {
    if (request.method !== 'POST' || !CONVERSE.test(request.path))
      return failure(404, 'UnknownOperationException', 'No such operation.');
    const { authorization = '' } = request.headers;
    if (!authorization.startsWith('AWS4-HMAC-SHA256 Credential=') && !authorization.startsWith('Bearer '))
      return failure(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
    const body = JSON.parse(request.body) as ConverseRequest;
    return {
      instructions: (body.system ?? []).map((part) => part.text).join('\n'),
      prompt: body.messages.flatMap((message) => message.content.map((part) => part.text ?? '')).join('\n'),
    };
  },

  answer(judgement, request, stop) {
    const { toolConfig } = JSON.parse(request.body) as ConverseRequest;
    const name = toolConfig?.tools[0]?.toolSpec.name ?? 'json';
    const whole = JSON.stringify(judgement);
    // A tool call that is cut off contains the part of the input that was written.
    const content = stop
      ? [{ text: whole.slice(0, whole.length / 2) }]
      : [{ toolUse: { toolUseId: 'tooluse_fake', name, input: judgement } }];
    const [input, output] = [tokensOf(request.body), tokensOf(whole)];
    return json(200, {
      output: { message: { role: 'assistant', content } },
      stopReason: stop ? 'max_tokens' : 'tool_use',
      usage: { inputTokens: input, outputTokens: output, totalTokens: input + output },
      metrics: { latencyMs: 1 },
    });
  },

  fail(fault) {
    switch (fault.kind) {
      case 'blocked':
        return refusal('guardrail_intervened');
      case 'refused':
        return refusal('content_filtered');
      case 'rate-limited':
        return failure(429, 'ThrottlingException', 'Too many requests, please wait before trying again.');
      case 'daily-quota':
        return failure(429, 'ThrottlingException', 'Too many tokens per day, please wait before trying again.');
      case 'no-credit':
        return failure(403, 'AccessDeniedException', 'Your account has no access to this model.');
      case 'wrong-key':
        return failure(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
      case 'model-gone':
        return failure(404, 'ResourceNotFoundException', 'This model version has reached the end of its life.');
      case 'bad-request':
        return failure(400, 'ValidationException', 'Malformed input request, please reformat your input and try again.');
      case 'model-timeout':
        return failure(408, 'ModelTimeoutException', 'The request took too long to process.');
      case 'server-error':
        return fault.status === 500
          ? failure(500, 'InternalServerException', 'The system encountered an unexpected error.')
          : failure(503, 'ServiceUnavailableException', 'The service is temporarily unable to process the request.');
      default:
        throw new Error(`the Bedrock fake cannot ${fault.kind}`);
    }
  },
};

function refusal(stopReason: string): WireAnswer {
  return json(200, {
    output: { message: { role: 'assistant', content: [{ text: 'Sorry, the model cannot answer this question.' }] } },
    stopReason,
    usage: { inputTokens: 200, outputTokens: 9, totalTokens: 209 },
    metrics: { latencyMs: 1 },
  });
}

export function startFakeBedrock(port?: number): Promise<FakeModel> {
  return FakeModel.start(dialect, port);
}
