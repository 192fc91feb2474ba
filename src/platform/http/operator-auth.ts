import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Operator } from './access.js';
import { basicPassword, bearerToken, SecretSet } from './secrets.js';
import { sessionCookieOf, Sessions } from './session.js';

/** The console's sign-in page. `next` is the page to return to. */
export const LOGIN_PATH = '/console/login';

/** Without OPS_TOKENS the service listens on loopback only, and any program on the machine may operate it. */
const LOCAL: Operator = { name: 'local', role: 'operator' };

/** Identifies the owner of a request's token, and checks that the role permits the route. */
export class OperatorAuth {
  private readonly known: SecretSet<Operator> | null;
  private readonly sessions: Sessions;

  constructor(
    tokens: Config['OPS_TOKENS'],
    private readonly clock: Clock,
  ) {
    this.sessions = new Sessions(tokens);
    this.known = tokens ? new SecretSet(tokens.map(({ secret, name, role }) => ({ secret, owner: { name, role } }))) : null;
  }

  /** @throws AppError UNAUTHENTICATED, FORBIDDEN or CROSS_SITE */
  authenticate(request: FastifyRequest, reply: FastifyReply): Operator {
    const { access = 'operator', basicAuth = false, session = false } = request.routeOptions.config;
    const operator = session ? this.sessionOf(request) : this.operatorOf(request, basicAuth);
    if (!operator) throw session ? signInFirst(request, reply) : unauthenticated(reply, basicAuth);
    if (access === 'operator' && operator.role !== 'operator') {
      throw new AppError('FORBIDDEN', 'This token has the role viewer, which may only read. Use one with the role operator.');
    }
    // A form of the console that changes nothing may still write to the audit log.
    const isOwn = access === 'operator' || (session && request.method === 'POST');
    if (isOwn && (basicAuth || session) && comesFromAnotherSite(request)) {
      throw new AppError('CROSS_SITE', 'A page of another site sent this. Nothing was changed.');
    }
    return operator;
  }

  private sessionOf(request: FastifyRequest): Operator | null {
    if (this.known === null) return LOCAL;
    const cookie = sessionCookieOf(request.headers.cookie);
    const session = cookie === null ? null : this.sessions.read(cookie, this.clock.now());
    if (!session) return null;
    request.session = session;
    return { name: session.name, role: session.role };
  }

  private operatorOf(request: FastifyRequest, basicAuth: boolean): Operator | null {
    if (this.known === null) return LOCAL;
    const { authorization } = request.headers;
    const token = bearerToken(authorization) ?? (basicAuth ? basicPassword(authorization) : null);
    return token === null ? null : this.known.ownerOf(token);
  }
}

/**
 * After the sign-in, a page request returns to its page and a form to the console's first page.
 */
export function signInFirst(request: FastifyRequest, reply: FastifyReply): AppError {
  const next = request.method === 'GET' ? request.url : '/console';
  void reply.header('location', `${LOGIN_PATH}?next=${encodeURIComponent(next)}`);
  return new AppError('SIGN_IN_FIRST', 'The console needs a session. Sign in with the secret of one of OPS_TOKENS.');
}

function unauthenticated(reply: FastifyReply, basicAuth: boolean): AppError {
  if (!basicAuth) return new AppError('UNAUTHENTICATED', 'Send one of OPS_TOKENS as Authorization: Bearer <secret>.');
  void reply.header('www-authenticate', 'Basic realm="RevenueFlow AI operations", charset="UTF-8"');
  return new AppError(
    'UNAUTHENTICATED',
    'Give the secret of one of OPS_TOKENS as the password, or as Authorization: Bearer <secret>.',
  );
}

/** A browser adds a Basic password to requests of any site's pages, so changes are accepted from our own pages only. */
export function comesFromAnotherSite(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  // The browser's own header takes precedence: a proxy may have changed the host of the page's URL.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host);
}
