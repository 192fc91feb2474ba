import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import { isLoopback } from '../config/config.js';
import type { OperatorAuth } from './operator-auth.js';
import type { WebhookAuth } from './webhook-auth.js';

export interface AccessRules {
  webhooks: WebhookAuth;
  operators: OperatorAuth;
  /** Routes that need no secret because none is configured; they accept only programs on the same machine. */
  open: { webhooks: boolean; operations: boolean };
}

/**
 * Checks each request against the `@Access` of its route, before its body is read. A route without one, or one that a
 * plugin registers outside Nest, is for operators only.
 */
export function checkAccess(fastify: FastifyInstance, { webhooks, operators, open }: AccessRules): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { access = 'operator' } = request.routeOptions.config;
    try {
      if (request.method !== 'OPTIONS') refuseWebPages(request, access === 'webhook' ? open.webhooks : open.operations);
      // A path without a route is answered 404 to everyone.
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
 * Without secrets the service listens on loopback, which web pages in a browser on the same machine can reach too. They
 * can use a form to 127.0.0.1, or a name that resolves to it. Both cases show in headers that programs do not send.
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

/** Removes the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
