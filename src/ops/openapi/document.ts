import { componentsOf, refTo, schemaOf } from './components.js';
import { LEAD_SUMMARY } from './lead.schemas.js';
import type { Access, Operation } from './operation.js';
import { DEAD_LETTER_OPERATIONS } from './operations/dead-letter-operations.js';
import { LEAD_OPERATIONS } from './operations/lead-operations.js';
import { PEOPLE_OPERATIONS } from './operations/people-operations.js';
import { QUEUE_OPERATIONS } from './operations/queue-operations.js';
import { REJECTION_OPERATIONS } from './operations/rejection-operations.js';
import { SERVICE_OPERATIONS } from './operations/service-operations.js';
import { WEBHOOK_OPERATIONS } from './operations/webhook-operations.js';
import { problemExamples, responsesOf, sharedResponses } from './responses.js';
import { LEAD_ID } from './webhook.schemas.js';

export const OPERATIONS: Operation[] = [
  ...WEBHOOK_OPERATIONS,
  ...LEAD_OPERATIONS,
  ...DEAD_LETTER_OPERATIONS,
  ...REJECTION_OPERATIONS,
  ...QUEUE_OPERATIONS,
  ...PEOPLE_OPERATIONS,
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
      responses: sharedResponses(OPERATIONS),
      examples: problemExamples(OPERATIONS),
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
