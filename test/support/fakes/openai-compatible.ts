import { FakeModel, json, tokensOf, type Dialect, type WireAnswer } from './fake-model.js';

interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
}

function failure(
  status: number,
  type: string,
  code: string | null,
  message: string,
  headers: Record<string, string> = {},
): WireAnswer {
  return json(status, { error: { message, type, param: code === 'model_not_found' ? 'model' : null, code } }, headers);
}

/** chat/completions of OpenAI, vLLM and Ollama (https://platform.openai.com/docs/api-reference/chat). */
const dialect: Dialect = {
  name: 'openai-compatible',

  accepts(request) {
    if (request.method !== 'POST' || request.path !== '/v1/chat/completions')
      return failure(404, 'invalid_request_error', null, `Invalid URL (${request.method})`);
    const body = JSON.parse(request.body) as ChatRequest;
    const of = (role: string) => body.messages.filter((message) => message.role === role).map((message) => message.content);
    return { instructions: of('system').join('\n'), prompt: of('user').join('\n') };
  },

  answer(judgement, request, stop) {
    const whole = JSON.stringify(judgement);
    const content = stop ? whole.slice(0, whole.length / 2) : whole;
    return completion(request.body, { content }, stop ? 'length' : 'stop');
  },

  fail(fault, request) {
    switch (fault.kind) {
      case 'blocked':
        return failure(400, 'invalid_request_error', 'content_filter', 'The response was filtered by the content policy.');
      case 'refused':
        return completion(request.body, { content: null, refusal: 'I cannot help with that.' }, 'stop');
      case 'rate-limited':
        return failure(429, 'requests', 'rate_limit_exceeded', 'Rate limit reached for requests.', {
          'retry-after': String(fault.seconds ?? 2),
        });
      case 'daily-quota':
        return failure(429, 'tokens', 'rate_limit_exceeded', 'Rate limit reached for tokens per day.', { 'retry-after': '7200' });
      case 'no-credit':
        return failure(429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota, check your plan.');
      case 'wrong-key':
        return failure(401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.');
      case 'model-gone':
        return failure(404, 'invalid_request_error', 'model_not_found', 'The model does not exist.');
      case 'bad-request':
        return failure(400, 'invalid_request_error', null, 'We could not parse the JSON body of your request.');
      case 'model-timeout':
        return failure(504, 'server_error', null, 'Gateway timeout.');
      case 'server-error':
        return failure(fault.status, 'server_error', null, 'The server had an error while processing your request.');
      default:
        throw new Error(`the chat/completions fake cannot ${fault.kind}`);
    }
  },
};

function completion(sent: string, message: Record<string, unknown>, finishReason: string): WireAnswer {
  const [input, output] = [tokensOf(sent), tokensOf(JSON.stringify(message))];
  return json(200, {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: (JSON.parse(sent) as ChatRequest).model,
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  });
}

export function startFakeOpenAiCompatible(port?: number): Promise<FakeModel> {
  return FakeModel.start(dialect, port);
}
