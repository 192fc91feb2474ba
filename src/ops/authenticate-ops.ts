import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors/app-error.js';
import type { Config } from '../platform/config/config.js';
import { bearerToken, SecretSet } from '../platform/http/secrets.js';

/** Who is asking, for the audit trail. */
export interface Operator {
  name: string;
  role: 'viewer' | 'operator';
}

declare module 'fastify' {
  interface FastifyRequest {
    operator?: Operator;
  }
}

/** Without OPS_TOKENS (loopback only) whoever is on the machine may operate. */
const LOCAL: Operator = { name: 'local', role: 'operator' };

/** Guards /ops and /metrics: viewers may read, operators may act. */
export function authenticateOps(fastify: FastifyInstance, tokens: Config['OPS_TOKENS']): void {
  const known = tokens && new SecretSet(tokens.map(({ secret, ...owner }) => ({ secret, owner: owner as Operator })));
  fastify.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url ?? request.url;
    if (!/^\/(ops|metrics)(\/|$)/.test(route)) return done();
    const token = bearerToken(request.headers.authorization);
    const operator = known ? (token === null ? null : known.ownerOf(token)) : LOCAL;
    if (!operator) return done(new AppError('UNAUTHENTICATED', 'Send one of OPS_TOKENS as Authorization: Bearer <secret>.'));
    if (operator.role === 'viewer' && request.method !== 'GET' && route !== '/ops/leads/search') {
      return done(new AppError('FORBIDDEN', 'This token may only read. Use one with the role operator.'));
    }
    request.operator = operator;
    done();
  });
}
