import type { FastifyInstance } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import { isLoopback } from '../config/config.js';

/**
 * A service without secrets listens on loopback, where the pages of a browser on the same machine can reach it too: by a form
 * to 127.0.0.1, or by a name that was made to point there. Both show in headers that no program sends by accident.
 */
export function refuseCrossSite(fastify: FastifyInstance, open: { webhooks: boolean; operations: boolean }): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const isOpen = request.routeOptions.url === '/leads' ? open.webhooks : open.operations;
    if (!isOpen) return done();
    const { origin } = request.headers;
    const foreignOrigin = origin !== undefined && !(URL.canParse(origin) && isLoopback(bare(new URL(origin).hostname)));
    if (!foreignOrigin && isLoopback(bare(request.hostname))) return done();
    done(
      new AppError(
        'CROSS_SITE',
        'Without secrets this service answers programs on its own machine, not web pages. Nothing was stored.',
      ),
    );
  });
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
