import { AppError } from '../../errors/app-error.js';
import { ERROR_CATALOGUE, type ErrorCode } from '../../errors/catalogue.js';
import { STATUS, problemOf } from '../../platform/http/problem.js';
import { componentsOf, refTo, schemaOf } from './components.js';
import { LEAD_SUMMARY } from './lead.schemas.js';
import type { Access, Answer, Operation } from './operation.js';
import { DEAD_LETTER_OPERATIONS } from './operations/dead-letter-operations.js';
import { LEAD_OPERATIONS } from './operations/lead-operations.js';
import { QUEUE_OPERATIONS } from './operations/queue-operations.js';
import { REJECTION_OPERATIONS } from './operations/rejection-operations.js';
import { SERVICE_OPERATIONS } from './operations/service-operations.js';
import { WEBHOOK_OPERATIONS } from './operations/webhook-operations.js';
import { LEAD_ID } from './webhook.schemas.js';

export const OPERATIONS: Operation[] = [
  ...WEBHOOK_OPERATIONS,
  ...LEAD_OPERATIONS,
  ...DEAD_LETTER_OPERATIONS,
  ...REJECTION_OPERATIONS,
  ...QUEUE_OPERATIONS,
  ...SERVICE_OPERATIONS,
];

const PARAMETERS: Record<string, { description: string; schema: object; example: string }> = {
  id: { description: 'The id: of a lead its leadId.', schema: { type: 'string', format: 'uuid' }, example: LEAD_ID },
  name: { description: 'The queue.', schema: { type: 'string', enum: ['enrichment', 'crm-sync'] }, example: 'crm-sync' },
};

const SECURITY: Record<Access, Record<string, string[]>[]> = {
  everybody: [],
  webhook: [{ webhookSecret: [] }, { webhookBearer: [] }],
  viewer: [{ opsToken: ['viewer'] }, { opsToken: ['operator'] }],
  operator: [{ opsToken: ['operator'] }],
};

const SECURITY_SCHEMES = {
  webhookSecret: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Webhook-Secret',
    description: 'One of WEBHOOK_SECRETS. Without that variable the service is open, on loopback only.',
  },
  webhookBearer: { type: 'http', scheme: 'bearer', description: 'One of WEBHOOK_SECRETS.' },
  opsToken: {
    type: 'http',
    scheme: 'bearer',
    description:
      'The secret of one of OPS_TOKENS. A viewer may read, an operator may act. Without that variable the service is open, on loopback only.',
  },
};

/** The API as an OpenAPI 3.1 document. `openapi.json` is this, and so is the answer of GET /openapi.json. */
export function openApiDocument() {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) (paths[operation.path] ??= {})[operation.method] = operationOf(operation);
  return {
    openapi: '3.1.1',
    info: {
      title: 'RevenueFlow AI',
      version: '1',
      description:
        'Marketo webhooks in, scored and de-duplicated CRM leads out, and none lost. Every error is an RFC 9457 problem with a code of ' +
        'docs/errors.md. Fields may be added to answers; none is renamed.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document was read.' }],
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentsOf(OPERATIONS, [LEAD_SUMMARY]),
      examples: problemExamples(),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

function operationOf(operation: Operation): object {
  const { id, tag, summary, description, access, body } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    security: SECURITY[access],
    parameters: [...pathParameters(operation.path), ...queryParameters(operation)],
    ...(body ? { requestBody: requestBody(body) } : {}),
    responses: responsesOf(operation),
  };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, ...PARAMETERS[name!] }));
}

function queryParameters({ query }: Operation): object[] {
  if (!query) return [];
  const { properties = {} } = schemaOf(query) as { properties?: Record<string, object> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function requestBody({ component, mediaTypes, required }: NonNullable<Operation['body']>): object {
  return { required, content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: refTo(component.name) }])) };
}

function problemExamples(): Record<string, { value: ReturnType<typeof problemOf> }> {
  const codes = [...new Set(OPERATIONS.flatMap(problemsOf))].toSorted();
  return Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }]));
}

function exampleOf(code: ErrorCode) {
  const problems = code === 'INVALID_LEAD' ? [{ path: 'email', message: 'is not a valid e-mail address' }] : [];
  return problemOf(new AppError(code, ERROR_CATALOGUE[code].meaning, { problems }));
}

function responsesOf(operation: Operation): Record<string, object> {
  const responses: Record<string, { description: string; content: Record<string, object>; headers?: object }> = {};
  for (const [status, answer] of Object.entries(operation.answers)) responses[status] = responseOf(answer);
  for (const code of problemsOf(operation)) {
    const { status } = exampleOf(code);
    const response = (responses[status] ??= { description: '', content: {} });
    response.description += `${response.description ? ' ' : ''}\`${code}\`: ${ERROR_CATALOGUE[code].meaning}`;
    const media = (response.content['application/problem+json'] ??= {
      schema: refTo('Problem'),
      examples: {},
    }) as { examples: Record<string, object> };
    media.examples[code] = { $ref: `#/components/examples/${code}` };
    if (status === 503 || status === 429) response.headers = RETRY_AFTER;
  }
  return responses;
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } };

function responseOf({ means, body }: Answer) {
  if ('mediaType' in body) {
    const schema = body.mediaType === 'application/json' ? { type: 'object' } : { type: 'string' };
    return { description: means, content: { [body.mediaType]: { schema: { ...schema, description: body.about } } } };
  }
  return { description: means, content: { 'application/json': { schema: refTo(body.name) } } };
}

/** What it says itself, and what the way to it may answer. Ordered by status. */
function problemsOf({ access, body, query, method, problems }: Operation): ErrorCode[] {
  const codes: ErrorCode[] = ['CROSS_SITE', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'UNEXPECTED', ...problems];
  if (access !== 'everybody') codes.push('UNAUTHENTICATED');
  if (access === 'operator') codes.push('FORBIDDEN');
  if (query || body) codes.push('BAD_REQUEST');
  if (method !== 'get') codes.push('INVALID_BODY', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  return [...new Set(codes)].toSorted((a, b) => (STATUS[a] ?? 500) - (STATUS[b] ?? 500));
}
