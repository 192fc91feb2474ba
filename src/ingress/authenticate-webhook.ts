import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.js';
import { bearerToken, SecretSet } from '../platform/http/secrets.js';

/**
 * Checks the secret of each POST /leads before its body is read, so that a stranger cannot make the service read one.
 * Without secrets (loopback only) everyone may post.
 */
export function authenticateWebhooks(fastify: FastifyInstance, secrets: string[] | undefined): void {
  if (!secrets) return;
  const known = new SecretSet(secrets.map((secret) => ({ secret, owner: true })));
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.url !== '/leads') return done();
    const secret = secretOf(request);
    if (secret !== null && known.ownerOf(secret)) return done();
    done(
      new AppError(
        'UNAUTHENTICATED',
        secret === null
          ? 'The secret is missing. Send it as X-Webhook-Secret or as Authorization: Bearer. Nothing was stored.'
          : 'The secret is not one of WEBHOOK_SECRETS. Nothing was stored.',
      ),
    );
  });
}

function secretOf(request: FastifyRequest): string | null {
  const header = request.headers['x-webhook-secret'];
  return typeof header === 'string' ? header : bearerToken(request.headers.authorization);
}
