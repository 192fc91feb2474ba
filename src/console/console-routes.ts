import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { HTML, PAGE_HEADERS } from './page-headers.js';

/** What Fastify does with the addresses of the console besides what their controllers say. */
@Injectable()
export class ConsoleRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly errors: ConsoleErrorFilter,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    // A refusal before the controller, such as that of a viewer, is a problem document; a person gets a page.
    fastify.addHook('onSend', async (request, reply, payload) => {
      if (!request.routeOptions.config.session) return payload;
      if (!String(reply.getHeader('content-type')).startsWith('application/problem+json')) return payload;
      const { code, detail } = JSON.parse(String(payload)) as { code: ErrorCode; detail: string };
      void reply.headers(PAGE_HEADERS).type(HTML);
      return this.errors.pageOf(new AppError(code, detail), request);
    });
    // Loaded when the routes of all controllers are known.
    void fastify.register(async (instance) => leadToPages(instance));
  }
}

/**
 * A browser asks for the address of an answered form again with GET: after Enter in its address bar, or when it
 * restores its tabs. Such a request is led to the page that the form belongs to.
 */
function leadToPages(fastify: FastifyInstance): void {
  const has = (url: string, method: string) => fastify.methodsByPath.get(url)?.has(method) ?? false;
  const forms = [...fastify.methodsByPath.keys()].filter(
    (url) => url.startsWith('/console/') && has(url, 'POST') && !has(url, 'GET'),
  );
  for (const url of forms) {
    let page = url;
    while (!has(page, 'GET')) page = page.slice(0, page.lastIndexOf('/'));
    const segments = page.split('/').length;
    fastify.route({
      method: 'GET',
      url,
      config: { access: 'public' },
      handler: (request, reply) => reply.redirect(beginningOf(request.url, segments), 303),
    });
  }
}

/** With one slash each, since two at the beginning would name a host. */
function beginningOf(url: string, segments: number): string {
  return url.split('?')[0]!.replaceAll(/\/+/g, '/').split('/').slice(0, segments).join('/');
}
