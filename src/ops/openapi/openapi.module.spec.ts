import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config/config.js';
import { createHttpAdapter } from '../../platform/http/adapter.js';
import { HttpModule } from '../../platform/http/http.module.js';
import { PlatformModule } from '../../platform/platform.module.js';
import { OpenApiModule } from './openapi.module.js';

const TOKEN = 'o'.repeat(40);
const FIREFOX = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const password = { authorization: `Basic ${Buffer.from(`ann:${TOKEN}`).toString('base64')}` };

let app: NestFastifyApplication;
afterEach(() => app.close());

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const choices = { aiProviders: ['heuristic'], crmProviders: ['postgres'] };
  const config = loadConfig({ OPS_TOKENS: `ann:operator:${TOKEN}`, ...env }, choices);
  const platform = PlatformModule.with({ config, logger: pino({ level: 'silent' }) } as never);
  @Module({ imports: [platform, HttpModule, OpenApiModule] })
  class TestModule {}
  app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(), { bodyParser: false, logger: false });
  await app.init();
}

const get = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await app.inject({ method: 'GET', url, headers });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body };
};

describe('GET /', () => {
  it.each([FIREFOX, 'text/html', 'text/html;q=0.9, application/json;q=0.5'])(
    'leads a browser (%s) to the pages',
    async (accept) => {
      await start();
      const { status, headers } = await get('/', { accept });
      expect([status, headers['location'], headers['vary']]).toEqual([302, '/console', 'accept']);
    },
  );

  it.each(['*/*', 'application/json', '', 'application/json, text/html;q=0.9', 'text/html;q=0, */*'])(
    'answers a program (%s) with the addresses',
    async (accept) => {
      await start();
      const { status, text } = await get('/', { accept });
      expect([status, JSON.parse(text)]).toEqual([
        200,
        expect.objectContaining({ links: expect.objectContaining({ health: 'GET /health' }) }),
      ]);
    },
  );

  it('leads a browser to the reference where the console is off', async () => {
    await start({ CONSOLE: 'off' });
    expect((await get('/', { accept: FIREFOX })).headers['location']).toBe('/docs');
  });

  it('has nothing to lead to where the pages are off', async () => {
    await start({ CONSOLE: 'off', API_DOCS: 'off' });
    expect((await get('/', { accept: FIREFOX })).status).toBe(200);
    const { status, text } = await get('/docs', password);
    expect([status, JSON.parse(text)]).toEqual([
      404,
      expect.objectContaining({ detail: expect.stringContaining('API_DOCS=on') }),
    ]);
    expect((await get('/docs')).status).toBe(401);
  });
});

describe('the addresses that browsers and people try', () => {
  it('are answered', async () => {
    await start();
    expect((await get('/favicon.ico')).status).toBe(204);
    expect((await get('/ops')).status).toBe(401);
    expect(JSON.parse((await get('/ops', { authorization: `Bearer ${TOKEN}` })).text)).toMatchObject({
      links: { leads: 'GET /ops/leads' },
    });
  });
});

describe('GET /docs', () => {
  it('is a page that loads nothing from elsewhere and has no inline script or style', async () => {
    await start();
    const { status, headers, text } = await get('/docs', password);
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    const assets = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(4);
    for (const asset of assets) {
      expect(asset).toMatch(/^\/docs\/static\//);
      expect((await get(asset, password)).status, asset).toBe(200);
    }
    expect(text).not.toMatch(/<script>|<style|@import|https?:\/\//);
    const described = JSON.parse((await get('/docs/json', password)).text) as { info: object };
    expect(described).toEqual(JSON.parse((await get('/openapi.json', password)).text));
    expect(described.info).toMatchObject({ title: 'RevenueFlow AI' });
  });

  it('wants a token on each of its paths', async () => {
    await start();
    for (const path of [
      '/docs',
      '/docs/',
      '/docs/json',
      '/docs/yaml',
      '/docs/static/swagger-ui-bundle.js',
      '/docs/static/none',
    ]) {
      const { status, headers } = await get(path);
      expect([status, headers['www-authenticate']], path).toEqual([401, expect.stringMatching(/^Basic /)]);
    }
  });
});
