import { fastifySwaggerUi } from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { AppError } from '../../domain/app-error.js';

export const DOCS_PATH = '/docs';

/** Swagger UI comes with the package and loads nothing from elsewhere; "Try it out" calls this service only. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Serves the document as a page under DOCS_PATH. It registers on Fastify and not with Nest, so its routes get their access here. */
export function mountReferencePage(fastify: FastifyInstance, document: () => object): void {
  void fastify.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'viewer', basicAuth: true };
    });
    // The page asks the plugin of this name for the document; ours is made from the handlers instead.
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

/** Without the page, its address says how to get it. */
export function refuseReferencePage(fastify: FastifyInstance): void {
  fastify.get(DOCS_PATH, { config: { access: 'viewer', basicAuth: true } }, () => {
    throw new AppError('NOT_FOUND', 'The reference page is off. Set API_DOCS=on, or read GET /openapi.json.');
  });
}
