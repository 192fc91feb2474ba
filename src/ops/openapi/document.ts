import type { Type } from '@nestjs/common';
import { LEAD_ID } from '../../ingress/lead.schemas.js';
import { LeadsController } from '../../ingress/leads.controller.js';
import type { Access } from '../../platform/http/access.js';
import { AuditController } from '../audit.controller.js';
import { CostsController } from '../costs.controller.js';
import { DeadLettersController } from '../dead-letters/dead-letters.controller.js';
import { HealthController } from '../health.controller.js';
import { OpsLeadsController } from '../leads.controller.js';
import { MarketoController } from '../marketo/marketo.controller.js';
import { MetricsController } from '../metrics.controller.js';
import { OutcomesController } from '../outcomes/outcomes.controller.js';
import { PrivacyController } from '../privacy/privacy.controller.js';
import { QueuesController } from '../queues.controller.js';
import { RejectionsController } from '../rejections/rejections.controller.js';
import { FirstTouchController } from '../first-touch/first-touch.controller.js';
import { RoutingController } from '../routing/routing.controller.js';
import { ScoreController } from '../score/score.controller.js';
import { SlaController } from '../sla.controller.js';
import { TrialsController } from '../trials/trials.controller.js';
import { components, nameOf, refTo, schemaOf } from './components.js';
import { IndexController } from './index.controller.js';
import { OpenApiController } from './openapi.controller.js';
import { operationsOf, type Operation } from './read-operations.js';
import { problemExamples, responsesOf, sharedResponses } from './responses.js';

/** The controllers of all roles, in the order of the document. */
const CONTROLLERS: Type[] = [
  LeadsController,
  OpsLeadsController,
  DeadLettersController,
  RejectionsController,
  QueuesController,
  SlaController,
  AuditController,
  CostsController,
  OutcomesController,
  MarketoController,
  RoutingController,
  FirstTouchController,
  ScoreController,
  TrialsController,
  PrivacyController,
  HealthController,
  MetricsController,
  OpenApiController,
  IndexController,
];

export const OPERATIONS: Operation[] = operationsOf(CONTROLLERS);

const PARAMETERS: Record<string, { description: string; schema: object; example: string }> = {
  id: {
    description: 'The id; of a lead or dead letter its leadId.',
    schema: { type: 'string', format: 'uuid' },
    example: LEAD_ID,
  },
  name: { description: 'The queue.', schema: { type: 'string', enum: ['enrichment', 'crm-sync'] }, example: 'crm-sync' },
  task: {
    description: 'The task that calls Marketo.',
    schema: { type: 'string', enum: ['marketo-sync', 'marketo-reconciliation'] },
    example: 'marketo-sync',
  },
  run: { description: 'The id of the run.', schema: { type: 'string' }, example: '42' },
  trial: { description: 'The number of the trial.', schema: { type: 'string' }, example: '1' },
};

const SECURITY: Record<Access, Record<string, string[]>[]> = {
  public: [],
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

/** The API as an OpenAPI 3.1 document, for `openapi.json` and GET /openapi.json. */
export function openApiDocument() {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) (paths[operation.path] ??= {})[operation.method] = operationOf(operation);
  return {
    openapi: '3.1.1',
    info: {
      title: 'RevenueFlow AI',
      version: '1',
      description:
        'Receives Marketo webhooks, scores each lead, and writes it to the CRM once. Every error is an RFC 9457 problem with a code of ' +
        'docs/errors.md. Unknown query parameters and body fields of operations calls are answered 400. Fields may be added to answers; ' +
        'none is renamed.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document was read.' }],
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components(),
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

function requestBody({ schema, mediaTypes, required }: NonNullable<Operation['body']>): object {
  return { required, content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: refTo(nameOf(schema)) }])) };
}
