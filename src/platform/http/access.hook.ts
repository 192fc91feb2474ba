import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import { isLoopback } from '../config/config.js';
import type { OperatorAuth } from './operator-auth.js';
import type { WebhookAuth } from './webhook-auth.js';

export interface AccessRules {
  webhooks: WebhookAuth;
  operators: OperatorAuth;
  /** What is open because it has no secrets; it answers programs on its own machine only. */
  open: { webhooks: boolean; operations: boolean };
}

/**
 * Checks each request against the `@Access` of its route, before its body is read. A route that declares nothing, or that a
 * plugin registers without Nest, is for operators only.
 */
export function checkAccess(fastify: FastifyInstance, { webhooks, operators, open }: AccessRules): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { access = 'operator' } = request.routeOptions.config;
    try {
      if (request.method !== 'OPTIONS') refuseWebPages(request, access === 'webhook' ? open.webhooks : open.operations);
      // An address without a route is answered 404 to everyone: it has nothing to guard.
      if (request.is404 || access === 'public') return done();
      if (access === 'webhook') webhooks.authenticate(request);
      else request.operator = operators.authenticate(request, reply);
    } catch (error) {
      return done(error as Error);
    }
    done();
  });
}

/**
 * A service without secrets listens on loopback, where the pages of a browser on the same machine can reach it too: by a form
 * to 127.0.0.1, or by a name that resolves to it. Both show in headers that a program does not send by accident.
 */
function refuseWebPages(request: FastifyRequest, isOpen: boolean): void {
  if (!isOpen) return;
  const { origin } = request.headers;
  const foreignOrigin = origin !== undefined && !(URL.canParse(origin) && isLoopback(bare(new URL(origin).hostname)));
  if (!foreignOrigin && isLoopback(bare(request.hostname))) return;
  throw new AppError(
    'CROSS_SITE',
    'Without secrets this service answers programs on its own machine, not web pages. Nothing was stored.',
  );
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
