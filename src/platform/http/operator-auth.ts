import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import type { Config } from '../config/config.js';
import type { Operator } from './access.js';
import { basicPassword, bearerToken, SecretSet } from './secrets.js';

/** Without OPS_TOKENS the service listens on loopback only, and every program on the machine may operate it. */
const LOCAL: Operator = { name: 'local', role: 'operator' };

/** Finds out whose token a request carries, and whether its role permits the route. */
export class OperatorAuth {
  private readonly known: SecretSet<Operator> | null;

  constructor(tokens: Config['OPS_TOKENS']) {
    this.known = tokens ? new SecretSet(tokens.map(({ secret, name, role }) => ({ secret, owner: { name, role } }))) : null;
  }

  /** @throws AppError UNAUTHENTICATED, FORBIDDEN or CROSS_SITE */
  authenticate(request: FastifyRequest, reply: FastifyReply): Operator {
    const { access = 'operator', basicAuth = false } = request.routeOptions.config;
    const operator = this.operatorOf(request, basicAuth);
    if (!operator) throw unauthenticated(reply, basicAuth);
    if (access !== 'operator') return operator;
    if (operator.role !== 'operator') {
      throw new AppError('FORBIDDEN', 'This token has the role viewer, which may only read. Use one with the role operator.');
    }
    if (basicAuth && comesFromAnotherSite(request)) {
      throw new AppError('CROSS_SITE', 'A page of another site sent this. Nothing was changed.');
    }
    return operator;
  }

  private operatorOf(request: FastifyRequest, basicAuth: boolean): Operator | null {
    if (this.known === null) return LOCAL;
    const { authorization } = request.headers;
    const token = bearerToken(authorization) ?? (basicAuth ? basicPassword(authorization) : null);
    return token === null ? null : this.known.ownerOf(token);
  }
}

function unauthenticated(reply: FastifyReply, basicAuth: boolean): AppError {
  if (!basicAuth) return new AppError('UNAUTHENTICATED', 'Send one of OPS_TOKENS as Authorization: Bearer <secret>.');
  void reply.header('www-authenticate', 'Basic realm="RevenueFlow AI operations", charset="UTF-8"');
  return new AppError(
    'UNAUTHENTICATED',
    'Give the secret of one of OPS_TOKENS as the password, or as Authorization: Bearer <secret>.',
  );
}

/** A browser repeats a Basic password for requests that any page makes, so only our own pages may ask for changes. */
function comesFromAnotherSite(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  // The browser's own verdict counts first: a proxy may have changed the host that the page was opened at.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host);
}
