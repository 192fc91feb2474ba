import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { systemClock } from '../platform/clock.js';
import { bearerToken, SecretSet } from '../platform/http/secrets.js';
import { FailedAuthentications } from './failed-authentications.js';

/**
 * Checks the secret of each POST /leads before its body is read, so that a stranger cannot make the service read one.
 * Without secrets (loopback only) everyone on the machine may post.
 */
export function authenticateWebhooks(fastify: FastifyInstance, secrets: string[] | undefined): void {
  if (!secrets) return;
  const known = new SecretSet(secrets.map((secret) => ({ secret, owner: true })));
  const failures = new FailedAuthentications(systemClock);
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.url !== '/leads') return done();
    const secret = secretOf(request);
    if (secret !== null && known.ownerOf(secret)) return done();
    done(refusal(secret, failures.note(request.ip)));
  });
}

function refusal(secret: string | null, heldOff: boolean): AppError {
  if (heldOff) {
    return new AppError(
      'TOO_MANY_FAILED_AUTHENTICATIONS',
      'Too many wrong secrets came from this address within a minute. Nothing was stored. A request with a right one is still taken.',
    );
  }
  return new AppError(
    'UNAUTHENTICATED',
    secret === null
      ? 'The secret is missing. Send it as X-Webhook-Secret or as Authorization: Bearer. Nothing was stored.'
      : 'The secret is not one of WEBHOOK_SECRETS. Nothing was stored.',
  );
}

function secretOf(request: FastifyRequest): string | null {
  const header = request.headers['x-webhook-secret'];
  return typeof header === 'string' ? header : bearerToken(request.headers.authorization);
}
