import { fastifySwaggerUi } from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { AppError } from '../../domain/app-error.js';

export const DOCS_PATH = '/docs';

/** Swagger UI is served from the package and loads nothing from other sites. "Try it out" calls only this service. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * Serves the document as a page under DOCS_PATH. It registers on Fastify instead of Nest, so the access of its routes
 * is set here.
 */
export function mountReferencePage(fastify: FastifyInstance, document: () => object): void {
  void fastify.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'viewer', basicAuth: true };
    });
    // The page loads the document from the plugin of this name; ours is built from the handlers.
    await docs.register(
      fastifyPlugin(async (parent) => void parent.decorate('swagger', document as never), { name: '@fastify/swagger' }),
    );
    await docs.register(fastifySwaggerUi, {
      routePrefix: DOCS_PATH,
      staticCSP: POLICY,
      logo: null as never,
      theme: { title: 'RevenueFlow AI: API' },
      uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list', defaultModelsExpandDepth: 0 },
    });
  });
}

/** Where the page is off, its address says how to turn it on. */
export function refuseReferencePage(fastify: FastifyInstance): void {
  fastify.get(DOCS_PATH, { config: { access: 'viewer', basicAuth: true } }, () => {
    throw new AppError('NOT_FOUND', 'The reference page is off. Set API_DOCS=on, or read GET /openapi.json.');
  });
}
