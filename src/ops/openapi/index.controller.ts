import { Controller, Get, Header, Headers, HttpCode, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Config } from '../../platform/config/config.js';
import { Access } from '../../platform/http/access.js';
import { ApiOperation, ApiTag, apiSchema } from '../../platform/http/api-operation.js';
import { CONFIG } from '../../platform/platform.module.js';
import { DOCS_PATH } from './reference-page.js';

const links = z.record(z.string(), z.string());
const serviceLinks = {
  leads: 'POST /leads',
  health: 'GET /health',
  operations: 'GET /ops',
  metrics: 'GET /metrics',
  openapi: 'GET /openapi.json',
};
const operationLinks = {
  leads: 'GET /ops/leads',
  deadLetters: 'GET /ops/dead-letters',
  rejections: 'GET /ops/rejections',
  queues: 'GET /ops/queues',
  sla: 'GET /ops/sla',
  costs: 'GET /ops/costs',
  outcomes: 'GET /ops/outcomes/report',
};
const indexSchema = apiSchema('Index', z.object({ service: z.string(), links }), {
  service: 'RevenueFlow AI',
  links: serviceLinks,
});
const operationsIndexSchema = apiSchema('OperationsIndex', z.object({ links }), { links: operationLinks });

/** The addresses that a person tries first. */
@ApiTag('Service')
@Controller()
export class IndexController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Access('public')
  @ApiOperation({
    id: 'index',
    summary: 'The main addresses of the service',
    description: 'A browser, which prefers HTML, is redirected to the console, or to /docs where the console is off.',
    answers: { 200: { means: 'The addresses.', body: indexSchema } },
  })
  @Get()
  index(@Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: FastifyReply) {
    void reply.header('vary', 'accept');
    const page = this.pageForBrowsers();
    if (page !== null && prefersHtml(accept)) {
      void reply.redirect(page, 302);
      return undefined;
    }
    return { service: 'RevenueFlow AI', links: serviceLinks };
  }

  /** Null for a worker, which has no console. */
  private pageForBrowsers(): string | null {
    if (this.config.CONSOLE !== 'off' && this.config.ROLE !== 'worker') return '/console';
    return this.config.API_DOCS === 'on' ? DOCS_PATH : null;
  }

  @Access('viewer')
  @ApiOperation({
    id: 'operationsIndex',
    summary: 'The addresses of the operations',
    answers: { 200: { means: 'The addresses.', body: operationsIndexSchema } },
  })
  @Get('ops')
  operations() {
    return { links: operationLinks };
  }

  /** Browsers request it with every page; without an answer each visit would log a 404. */
  @Access('public')
  @Get('favicon.ico')
  @HttpCode(204)
  @Header('cache-control', 'public, max-age=86400')
  favicon(): void {}
}

/** Whether HTML precedes JSON and is not excluded. Browsers list text/html first; curl and fetch send *\/\*. */
function prefersHtml(accept = ''): boolean {
  const types = accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, quality: quality ? Number(quality.slice(2)) : 1 };
  });
  const of = (wanted: string) => types.find(({ type }) => type === wanted)?.quality ?? 0;
  return of('text/html') > 0 && of('text/html') >= of('application/json');
}
