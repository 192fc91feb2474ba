import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { ERROR_CATALOG } from '../../src/domain/error-catalog.js';
import { openApiDocument, OPERATIONS } from '../../src/ops/openapi/document.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createHttpAdapter } from '../../src/platform/http/adapter.js';
import { STATUS } from '../../src/platform/http/problem.js';
import { Database } from '../../src/platform/database/database.js';
import { openPool } from '../../src/platform/database/pool.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';
import { freshDatabase } from '../support/database.js';
import {
  fillService,
  operationCalled,
  requestsOn,
  send,
  WITH_MARKETO,
  WITH_ROUTING,
  type Filled,
} from '../support/every-operation.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

type Json = Record<string, unknown>;
const document = JSON.parse(JSON.stringify(openApiDocument())) as ReturnType<typeof openApiDocument>;

/** Answers may gain fields, so the document allows unknown ones. This test does not, to find undescribed fields. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const walked = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'examples' ? value : strict(value)]),
  );
  return walked['properties'] && walked['additionalProperties'] === undefined
    ? { ...walked, additionalProperties: false }
    : walked;
}

function validatorOf(schemas: unknown) {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  const moved = (text: string) => text.replaceAll('#/components/schemas/', '#/$defs/');
  const $defs: unknown = JSON.parse(moved(JSON.stringify(schemas)));
  return (ref: string) => ajv.compile({ $defs, $ref: moved(ref) });
}

const loosely = validatorOf(document.components.schemas);
const strictly = validatorOf(strict(document.components.schemas));

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(document as unknown as Json)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('refers only to what is in it, and names each operation once', () => {
    const text = JSON.stringify(document);
    for (const [, pointer] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer!.split('/').reduce<unknown>((part, key) => (part as Json | undefined)?.[key], document);
      expect(found, pointer).toBeDefined();
    }
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
    expect(new Set(OPERATIONS.map(({ method, path }) => `${method} ${path}`)).size).toBe(OPERATIONS.length);
  });

  it('has an example for each schema, and each is valid', () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const { examples } = schema as { examples: unknown[] };
      expect(examples.length, name).toBeGreaterThan(0);
      for (const example of examples) {
        const validate = loosely(`#/components/schemas/${name}`);
        expect(validate(example), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
      }
    }
    for (const [code, { value }] of Object.entries(document.components.examples)) {
      expect(loosely('#/components/schemas/Problem')(value), code).toBe(true);
    }
  });

  it('has every code of the catalogue, and says where each that HTTP answers may come from', () => {
    expect((document.components.schemas['ErrorCode'] as { enum: string[] }).enum).toEqual(Object.keys(ERROR_CATALOG));
    // These belong to paths and pages, not to operations.
    const others = new Set(['METHOD_NOT_ALLOWED', 'SIGN_IN_FIRST']);
    const answered = Object.keys(STATUS).filter((code) => !others.has(code));
    expect(Object.keys(document.components.examples).toSorted()).toEqual([...answered, 'UNEXPECTED'].toSorted());
  });

  it('is the one that is checked in', () => {
    const file = readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8');
    expect(JSON.parse(file), 'run npm run generate').toEqual(document);
  });
});

/** Routes of plugins, whose access is set after this hook has run. */
const PLUGINS = /^\/(?:docs|ops\/queues\/board)(?:\/|$)/;
/** Pages for browsers, which are not described. */
const PAGES = /^\/(?:console|first-touch|favicon\.ico)(?:\/|$)/;

describe('the routes of the service', () => {
  it('are those of the document, and each declares its access', async () => {
    const database = await freshDatabase();
    const env = { DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', LOG_LEVEL: 'silent' };
    const config = loadConfig(env, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
    const logger = pino({ level: 'silent' });
    const pool = openPool({ url: database.url, max: 2, timeoutMs: 5000, name: 'test' });
    const backend = await openQueueBackend(config, { databaseUrl: database.url, redisUrl: null }, logger);
    const adapter = createHttpAdapter();
    const routes: string[] = [];
    const undeclared: string[] = [];
    adapter.getInstance().addHook('onRoute', ({ method, url, config }) => {
      if (config?.refuses || PLUGINS.test(url)) return;
      if (config?.access === undefined) undeclared.push(`${String(method)} ${url}`);
      if (PAGES.test(url)) return;
      for (const one of [method].flat())
        if (one !== 'HEAD') routes.push(`${one.toLowerCase()} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
    const one = new Database(pool);
    const databases = { database: one, acceptDatabase: one, controlDatabase: one, reportDatabase: one };
    const parts = { config, logger, ...databases, databaseUrl: database.url };
    const app = await NestFactory.create<NestFastifyApplication>(await AppModule.forRole(parts, backend, null), adapter, {
      bodyParser: false,
      logger: false,
    });
    await app.init();
    await app.close();
    await backend.close();
    await pool.end();
    await database.drop();
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes.toSorted()).toEqual(described.toSorted());
    expect(undeclared).toEqual([]);
  });
});

describe('the answers of the service', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let sql: pg.Client;
  let service: RunningProcess;
  let filled: Filled;

  beforeAll(async () => {
    database = await freshDatabase();
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    service = await startProcess({
      DATABASE_URL: database.url,
      QUEUE_BACKEND: 'postgres',
      ...WITH_MARKETO,
      ...WITH_ROUTING,
      ...OPERATORS,
    });
    filled = await fillService(service, sql);
  });
  afterAll(async () => {
    await service.stop();
    await sql.end();
    await database.drop();
  });

  async function expectDescribed(id: string, answer: Response): Promise<unknown> {
    const type = answer.headers.get('content-type')!.split(';')[0]!;
    const { path, method } = operationCalled(id);
    const operation = document.paths[path]![method] as { responses: Record<string, Json> };
    const named = operation.responses[answer.status] as { $ref?: string; content?: Json } | undefined;
    const response = named?.$ref ? (document.components.responses[named.$ref.split('/').at(-1)!] as { content: Json }) : named;
    const media = response?.content?.[type] as { schema: { $ref?: string } } | undefined;
    expect(media, `${id} ${answer.status} ${type} is not in the document`).toBeDefined();
    const text = await answer.text();
    expect(text, `${id}: a time that is not ISO 8601 in UTC with milliseconds`).not.toMatch(/\dT\d\d:\d\d:\d\d(?!\.\d{3}Z)/);
    if (!media!.schema.$ref) return text;
    const validate = strictly(media!.schema.$ref);
    expect(validate(JSON.parse(text)), `${id} ${answer.status} ${text}: ${JSON.stringify(validate.errors)}`).toBe(true);
    return JSON.parse(text);
  }

  it('are those of the document, each field of them', async () => {
    const requests = requestsOn(filled);
    expect(Object.keys(requests).toSorted(), 'an operation without a request').toEqual(OPERATIONS.map(({ id }) => id).toSorted());
    for (const [id, all] of Object.entries(requests)) {
      const operation = operationCalled(id);
      for (const { path, body } of all) {
        const answer = await send(service, operation, path, operation.access === 'webhook' ? SECRET : TOKEN, body);
        expect(answer.status, `${id} ${path}`).toBeLessThan(300);
        await expectDescribed(id, answer);
      }
    }
  });

  it('to what is wrong are problems of the document', async () => {
    for (const { id, path, access } of OPERATIONS.filter((operation) => operation.access !== 'public')) {
      const operation = operationCalled(id);
      const somewhere = path.replace('{id}', 'nobody').replace('{name}', 'nowhere');
      const body = operation.method === 'get' ? undefined : { limit: 'many' };
      await expectDescribed(id, await send(service, operation, somewhere, 'x'.repeat(40), body));
      const answer = await send(service, operation, somewhere, access === 'webhook' ? SECRET : TOKEN, body);
      await expectDescribed(id, answer);
    }
  });

  it('to the examples of a lead are acknowledgements, in either encoding', async () => {
    const { examples } = document.components.schemas['Lead'] as { examples: Record<string, string>[] };
    for (const example of examples) {
      for (const form of [false, true]) {
        const { status } = await service.post(example, { form, headers: { 'x-webhook-secret': SECRET } });
        expect(status).toBe(form ? 200 : 202);
      }
    }
  });

  it('refuse what the schema of a lead refuses', async () => {
    const validate = loosely('#/components/schemas/Lead');
    for (const lead of [{}, { email: 'ann@acme.com' }, { campaign_id: 1 }, { email: 1, campaign_id: 1 }, [], 'x']) {
      expect(validate(lead)).toBe(false);
      expect((await service.post(lead, { headers: { 'x-webhook-secret': SECRET } })).status).toBe(400);
    }
  });

  it('include the document', async () => {
    const answer = await service.get('/openapi.json', { authorization: `Bearer ${TOKEN}` });
    expect(answer.body).toEqual(document);
  });
});
