import { Body, Controller, Get, HttpCode, Inject, Module, Post, Query, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../config/config.js';
import { PlatformModule } from '../platform.module.js';
import { Access, CurrentOperator, type Operator } from './access.js';
import { createHttpAdapter } from './adapter.js';
import { wholeNumber } from './field-schemas.js';
import { HttpModule } from './http.module.js';
import { IdParam } from './id.pipe.js';

const OPERATOR = 'o'.repeat(40);
const VIEWER = 'v'.repeat(40);
const SECRET = 's'.repeat(40);
const filterSchema = z.strictObject({
  limit: wholeNumber(1, 200).default(50),
  campaign_id: z.string().optional(),
  state: z.enum(['dead', 'synced']).optional(),
});
const bodySchema = z.strictObject({
  reason: z.string().trim().min(1).max(5),
  perSecond: z.number().positive().max(10).optional(),
  at: z.iso.datetime().optional(),
});

@Controller('ops/things')
class ThingsController {
  @Get('undeclared')
  undeclared() {
    return {};
  }

  @Access('viewer')
  @Get()
  list(@Query({ schema: filterSchema }) query: object) {
    return query;
  }

  @Access('operator')
  @Post()
  @HttpCode(200)
  change(@Body({ schema: bodySchema }) body: object, @CurrentOperator() { name }: Operator) {
    return { ...body, by: name };
  }

  @Access('operator', { largeBody: true })
  @Post('many')
  @HttpCode(200)
  many(@Body({ schema: z.strictObject({ text: z.string() }) }) { text }: { text: string }) {
    return { length: text.length };
  }

  @Access('operator')
  @Post('pause')
  @HttpCode(200)
  pause() {
    return {};
  }

  @Access('viewer')
  @Get(':id')
  show(@IdParam('No thing has this id.') id: string) {
    return { id };
  }

  @Access('public')
  @Post('nameless')
  nameless(@CurrentOperator() by: Operator) {
    return by;
  }
}

@Controller('leads')
class HookController {
  @Access('webhook')
  @Post()
  @HttpCode(200)
  post() {
    return {};
  }
}

/** A plugin that has none of our decorators. */
@Module({ imports: [HttpModule] })
class PluginModule implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit() {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    void fastify.register(async (plugin) => void plugin.get('/plugin', () => ({})));
  }
}

let app: NestFastifyApplication;
afterEach(() => app.close());

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const secrets = { WEBHOOK_SECRETS: SECRET, OPS_TOKENS: `ann:operator:${OPERATOR},bob:viewer:${VIEWER}` };
  const config = loadConfig({ ...secrets, ...env }, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
  const platform = PlatformModule.with({ config, logger: pino({ level: 'silent' }) } as never);
  @Module({ imports: [platform, HttpModule, PluginModule], controllers: [ThingsController, HookController] })
  class TestModule {}
  const adapter = createHttpAdapter({ trustProxy: config.TRUST_PROXY });
  app = await NestFactory.create<NestFastifyApplication>(TestModule, adapter, { bodyParser: false, logger: false });
  await app.init();
}

interface Asked {
  token?: string;
  headers?: Record<string, string>;
  body?: unknown;
}
async function ask(method: string, url: string, { token = OPERATOR, headers = {}, body }: Asked = {}) {
  const answer = await app.inject({
    method: method as 'GET',
    url,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return {
    status: answer.statusCode,
    allow: answer.headers['allow'],
    body: (answer.body === '' ? {} : answer.json()) as {
      code: string;
      detail: string;
      errors: { path: string; message: string }[];
      requestId: string;
    },
  };
}

describe('a body', () => {
  it.each([
    ['/ops/things', 100_000, 413, /64 KiB/],
    ['/ops/things/many', 100_000, 200, /./],
    ['/ops/things/many', 3_000_000, 200, /./],
    ['/ops/things/many', 5_000_000, 413, /larger than 4 MiB/],
  ])('to %s of %i bytes is answered %i', async (url, length, status, detail) => {
    await start();
    const answer = await ask('POST', url, { body: { text: 'x'.repeat(length) } });
    expect([answer.status, answer.body.detail ?? 'read']).toEqual([status, expect.stringMatching(detail)]);
    expect((await ask('POST', url, { token: '', body: { text: 'x'.repeat(length) } })).status).toBe(401);
  });
});

describe('access', () => {
  it.each(['/ops/things/undeclared', '/plugin'])('to %s, which declares none, is for operators only', async (url) => {
    await start();
    for (const token of ['', SECRET, 'x'.repeat(40)]) expect(await ask('GET', url, { token })).toMatchObject({ status: 401 });
    expect((await ask('GET', url, { token: VIEWER })).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect((await ask('GET', url)).status).toBe(200);
  });

  it('is checked against what the route declares', async () => {
    await start();
    expect((await ask('GET', '/ops/things', { token: VIEWER })).status).toBe(200);
    expect((await ask('POST', '/ops/things', { token: VIEWER, body: { reason: 'x' } })).status).toBe(403);
    expect((await ask('POST', '/ops/things', { body: { reason: 'x' } })).body).toEqual({ reason: 'x', by: 'ann' });
    expect((await ask('POST', '/leads', { token: OPERATOR })).status).toBe(401);
    for (const url of [
      '/leads',
      '/leads/',
      '/Leads',
      '//leads',
      '/leads%2F',
      '/leads%20?x=1',
      '/leads;v=1',
      '/leads;v=1;w=2/',
      '/leads%20;v=1?x=1',
      '/leads.',
      '/leads%22',
    ]) {
      expect((await ask('POST', url, { token: SECRET })).status, url).toBe(200);
      expect((await ask('POST', url, { token: '' })).status, url).toBe(401);
    }
    for (const url of ['/leadsx', '/leads/x', '/leads.json', '/x/leads;']) expect((await ask('POST', url)).status, url).toBe(404);
  });

  it.each([`/leads${';'.repeat(64)}/x`, `/leads${';.'.repeat(64)}/x`, `/leads${'.%20/'.repeat(64)}x`])(
    'takes no long time to refuse %s',
    async (url) => {
      await start();
      expect((await ask('POST', url, { token: '' })).status).toBe(404);
    },
  );

  it('of a route without an operator fails where a handler needs one', async () => {
    await start();
    expect((await ask('POST', '/ops/things/nameless')).status).toBe(500);
  });

  it('counts failed authentications by client address only behind a trusted proxy', async () => {
    const flood = async (address: string) => {
      for (let n = 0; n < 20; n++) await ask('POST', '/leads', { token: 'x', headers: { 'x-forwarded-for': address } });
      return (await ask('POST', '/leads', { token: 'x', headers: { 'x-forwarded-for': '203.0.113.9' } })).status;
    };
    await start();
    expect(await flood('203.0.113.1')).toBe(429);
    await app.close();
    for (const TRUST_PROXY of ['1', '127.0.0.0/8, ::1', 'loopback']) {
      await start({ TRUST_PROXY });
      expect(await flood('203.0.113.1'), TRUST_PROXY).toBe(401);
      // The client controls the text before the address that the proxy appends.
      expect(await flood('198.51.100.7, 203.0.113.9'), TRUST_PROXY).toBe(429);
      await app.close();
    }
    await start({ TRUST_PROXY: '192.0.2.1' });
    expect(await flood('203.0.113.1')).toBe(429);
  });
});

describe('a method that a path does not have', () => {
  it.each([
    ['GET', '/leads', 'OPTIONS, POST'],
    ['DELETE', '/ops/things', 'GET, HEAD, OPTIONS, POST'],
    ['GET', '/ops/things/pause', 'OPTIONS, POST'],
    ['PUT', '/plugin', 'GET, HEAD, OPTIONS'],
  ])('%s %s is answered 405 with Allow', async (method, url, allow) => {
    await start();
    for (const token of ['', OPERATOR]) {
      const answer = await ask(method, url, { token });
      expect(answer).toMatchObject({ status: 405, allow, body: { code: 'METHOD_NOT_ALLOWED', requestId: expect.any(String) } });
      expect(await ask('OPTIONS', url, { token, headers: { origin: 'https://a.example' } })).toMatchObject({
        status: 204,
        allow,
      });
    }
    expect((await ask(method, '/nowhere')).status).toBe(404);
  });
});

describe('a request that its schema refuses', () => {
  const wrong = (method: string, url: string, body?: unknown) => ask(method, url, { body });

  it.each([
    ['?limit=0', 'limit', 'must be a whole number from 1 to 200'],
    ['?limit=abc', 'limit', 'must be a whole number from 1 to 200'],
    ['?limit=0.5', 'limit', 'must be a whole number from 1 to 200'],
    ['?limit=1&limit=2', 'limit', 'must be a whole number from 1 to 200'],
    ['?state=ded', 'state', 'must be one of dead, synced'],
    ['?campaign_id=a&campaign_id=b', 'campaign_id', 'must be a string'],
    ['?Campaign-Id=7', 'Campaign-Id', 'is not known here (did you mean campaign_id?); known are limit, campaign_id, state'],
    ['?x=7', 'x', 'is not known here; known are limit, campaign_id, state'],
  ])('GET %s names %s in plain words', async (query, path, message) => {
    await start();
    const { status, body } = await wrong('GET', `/ops/things${query}`);
    expect([status, body.code, body.errors]).toEqual([400, 'BAD_REQUEST', [{ path, message }]]);
    expect(body.detail).toBe(`The request is not valid; nothing was changed. ${path} ${message}.`);
  });

  it.each([
    [{}, ['reason is required']],
    [undefined, ['reason is required']],
    [{ reason: ' ' }, ['reason must not be empty']],
    [{ reason: 'too long' }, ['reason must have at most 5 characters']],
    [{ reason: 7, perSecond: -1 }, ['reason must be a string', 'perSecond must be a number above 0 to 10']],
    [{ reason: 'x', at: 'now' }, ['at must be a time such as 2026-11-24T09:00:00Z']],
    [
      { reason: 'x', raeson: 1, persecond: 1 },
      [
        'raeson is not known here (did you mean reason?); known are reason, perSecond, at',
        'persecond is not known here (did you mean perSecond?); known are reason, perSecond, at',
      ],
    ],
    [[], [' must be an object']],
  ])('POST %j names each field', async (body, errors) => {
    await start();
    const answer = await wrong('POST', '/ops/things', body);
    expect([answer.status, answer.body.errors.map(({ path, message }) => `${path} ${message}`)]).toEqual([400, errors]);
  });

  it('has parameters or fields where the call takes none', async () => {
    await start();
    expect((await wrong('POST', '/ops/things/pause?hours=1')).body.errors).toEqual([
      { path: 'hours', message: 'is not known here: this call takes no query parameter' },
    ]);
    expect((await wrong('POST', '/ops/things/pause', { hours: 1 })).status).toBe(400);
    expect((await wrong('POST', '/ops/things/pause', {})).status).toBe(200);
  });

  it('has an id that is none', async () => {
    await start();
    expect((await wrong('GET', '/ops/things/x')).body).toMatchObject({ status: 404, detail: 'No thing has this id.' });
    const id = '01ADF45F-8385-47BC-ACBF-8D288C1DEFC9';
    expect((await wrong('GET', `/ops/things/${id}`)).body).toEqual({ id: id.toLowerCase() });
  });
});
