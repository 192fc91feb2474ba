import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import type { Config } from '../platform/config/config.js';
import { basicPassword, bearerToken, SecretSet } from '../platform/http/secrets.js';

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

const GUARDED = /^\/(?:ops|metrics|docs|openapi\.json)(?:\/|$)/;
/** Opened in a browser, which can send a token only as the password that it asks for. */
const FOR_BROWSERS = /^\/(?:docs|openapi\.json|ops\/queues\/board)(?:\/|$)/;
/** A POST that changes nothing: it keeps an address out of access logs. */
const READS_BY_POST = new Set(['/ops/leads/search']);

/** Guards /ops, /metrics and the API's description: viewers may read, operators may act. */
export function authenticateOps(fastify: FastifyInstance, tokens: Config['OPS_TOKENS']): void {
  const known = tokens && new SecretSet(tokens.map(({ secret, ...owner }) => ({ secret, owner: owner as Operator })));
  fastify.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url ?? request.url;
    if (!GUARDED.test(route)) return done();
    const forBrowsers = FOR_BROWSERS.test(route);
    const token = tokenOf(request, forBrowsers);
    const operator = known ? (token === null ? null : known.ownerOf(token)) : LOCAL;
    if (!operator) return done(refusal(reply, forBrowsers));
    const changes = !['GET', 'HEAD'].includes(request.method) && !READS_BY_POST.has(route);
    if (operator.role === 'viewer' && changes) {
      return done(new AppError('FORBIDDEN', 'This token may only read. Use one with the role operator.'));
    }
    if (changes && forBrowsers && comesFromAnotherSite(request)) {
      return done(new AppError('CROSS_SITE', 'A page of another site sent this. Nothing was changed.'));
    }
    request.operator = operator;
    done();
  });
}

function tokenOf(request: FastifyRequest, forBrowsers: boolean): string | null {
  const { authorization } = request.headers;
  return bearerToken(authorization) ?? (forBrowsers ? basicPassword(authorization) : null);
}

function refusal(reply: FastifyReply, forBrowsers: boolean): AppError {
  if (!forBrowsers) return new AppError('UNAUTHENTICATED', 'Send one of OPS_TOKENS as Authorization: Bearer <secret>.');
  void reply.header('www-authenticate', 'Basic realm="RevenueFlow AI operations", charset="UTF-8"');
  return new AppError(
    'UNAUTHENTICATED',
    'Give the secret of one of OPS_TOKENS as the password, or as Authorization: Bearer <secret>.',
  );
}

/** A browser repeats a password for any page that makes it send a request, so only our own pages may ask for changes. */
function comesFromAnotherSite(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  // The browser's own verdict counts first: a proxy may have changed the host that the page was opened at.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host);
}
