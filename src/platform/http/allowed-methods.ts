import type { FastifyInstance, HTTPMethods } from 'fastify';
import { AppError } from '../../domain/app-error.js';

/** Methods by route pattern, as Fastify has it. */
type Methods = Map<string, Set<string>>;

const METHODS: HTTPMethods[] = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

declare module 'fastify' {
  interface FastifyInstance {
    methodsByPath: Methods;
  }
  interface FastifyContextConfig {
    /** A route that only refuses requests; its methods do not count as allowed. */
    refuses?: boolean;
  }
}

/** Records the methods of every route. Call it before any route is registered. */
export function recordMethods(fastify: FastifyInstance): void {
  const methodsByPath: Methods = new Map();
  fastify.decorate('methodsByPath', methodsByPath);
  fastify.addHook('onRoute', ({ url, method, config }) => {
    if (config?.refuses) return;
    const methods = methodsByPath.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsByPath.set(url, methods);
  });
}

/**
 * Answers the other methods of each path: OPTIONS with the allowed methods, the rest with 405. Call it after all routes
 * are registered, so that a fixed path is never matched as a parameter: `GET /ops/dead-letters/replay` names no dead
 * letter.
 */
export function answerOtherMethods(fastify: FastifyInstance): void {
  for (const [url, methods] of fastify.methodsByPath) {
    const others = METHODS.filter((method) => !methods.has(method));
    const allow = [...new Set([...methods, 'OPTIONS'])].toSorted().join(', ');
    if (others.length === 0) continue;
    fastify.route({
      method: others,
      url,
      config: { access: 'public', refuses: true },
      onRequest: (request, reply, done) => {
        void reply.header('allow', allow);
        if (request.method === 'OPTIONS') return void reply.code(204).send();
        done(new AppError('METHOD_NOT_ALLOWED', `${request.method} is not a method of this address. It takes ${allow}.`));
      },
      handler: () => {},
    });
  }
}
