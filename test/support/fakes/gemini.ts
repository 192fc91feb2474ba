import { FakeModel, json, tokensOf, type Dialect, type Received, type WireAnswer } from './fake-model.js';

interface GenerateContentRequest {
  systemInstruction?: { parts: { text: string }[] };
  contents: { role: string; parts: { text: string }[] }[];
  generationConfig?: { temperature?: number; responseMimeType?: string };
}

const MODEL = /^\/v1beta\/models\/([^/:]+):generateContent$/;

function failure(code: number, status: string, message: string, details?: unknown[]): WireAnswer {
  return json(code, { error: { code, message, status, ...(details ? { details } : {}) } });
}

/** The Gemini API's generateContent (https://ai.google.dev/api/generate-content). */
const dialect: Dialect = {
  name: 'gemini',

  accepts(request) {
    const model = MODEL.exec(request.path)?.[1];
    if (request.method !== 'POST' || model === undefined) return failure(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (!request.headers['x-goog-api-key'])
      return failure(403, 'PERMISSION_DENIED', 'Method does not allow unregistered callers.');
    const body = JSON.parse(request.body) as GenerateContentRequest;
    if (model.startsWith('gemini-3') && body.generationConfig?.temperature !== undefined)
      return failure(400, 'INVALID_ARGUMENT', 'Temperature is not supported for this model.');
    return {
      instructions: (body.systemInstruction?.parts ?? []).map((part) => part.text).join('\n'),
      prompt: body.contents.flatMap((content) => content.parts.map((part) => part.text)).join('\n'),
    };
  },

  answer(judgement, request, stop) {
    const whole = JSON.stringify(judgement);
    const text = stop ? whole.slice(0, whole.length / 2) : whole;
    const [input, output] = [tokensOf(request.body), tokensOf(text)];
    return json(200, {
      candidates: [{ content: { parts: [{ text }], role: 'model' }, finishReason: stop ? 'MAX_TOKENS' : 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
      modelVersion: modelOf(request),
    });
  },

  fail(fault, request) {
    switch (fault.kind) {
      case 'blocked':
        return json(200, {
          promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
          usageMetadata: { promptTokenCount: tokensOf(request.body), totalTokenCount: tokensOf(request.body) },
          modelVersion: modelOf(request),
        });
      case 'refused':
        return json(200, {
          candidates: [
            { finishReason: 'SAFETY', index: 0, safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH' }] },
          ],
          usageMetadata: { promptTokenCount: tokensOf(request.body), totalTokenCount: tokensOf(request.body) },
          modelVersion: modelOf(request),
        });
      case 'rate-limited':
        return quota('GenerateRequestsPerMinutePerProjectPerModel-FreeTier', fault.seconds ?? 2);
      case 'daily-quota':
        return quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier', 2);
      case 'no-credit':
        return failure(403, 'PERMISSION_DENIED', 'Billing is not enabled for this project.');
      case 'wrong-key':
        return failure(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
        ]);
      case 'model-gone':
        return failure(404, 'NOT_FOUND', `models/${modelOf(request)} is not found for API version v1beta.`);
      case 'bad-request':
        return failure(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.');
      case 'model-timeout':
        return failure(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.');
      case 'server-error':
        return fault.status === 500
          ? failure(500, 'INTERNAL', 'An internal error has occurred.')
          : failure(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
      default:
        throw new Error(`the Gemini fake cannot ${fault.kind}`);
    }
  },
};

function modelOf(request: Received): string {
  return MODEL.exec(request.path)?.[1] ?? '';
}

function quota(quotaId: string, seconds: number): WireAnswer {
  return failure(429, 'RESOURCE_EXHAUSTED', `You exceeded your current quota. Please retry in ${seconds}.5s.`, [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId, quotaValue: '20' }] },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${seconds}s` },
  ]);
}

export function startFakeGemini(port?: number): Promise<FakeModel> {
  return FakeModel.start(dialect, port);
}
